"""Addresses that are about no table: what strangers and people without any role find there."""

# What asks nobody who they are, and is no page.
OPEN = {"", "healthz", "readyz"}

# Addresses that are about no table, by GET: as a stranger finds them, and as a person without any role. L: leads to the
# sign-in page. u: not signed in by that (401). Single sign-on is not set up here, so that its doors are not there.
COMMON = {
    "account_change_password": "Lo",
    "account_inactive": "oo",
    "account_login": "oo",
    "account_logout": "Lo",
    "account_reauthenticate": "Lo",
    "account_set_password": "--",
    "account_signup": "--",
    "admin:app_list": "L-",
    "admin:autocomplete": "Lx",
    "admin:index": "Lo",
    "admin:jsi18n": "Lo",
    "admin:login": "LL",
    "admin:logout": "Lo",
    "admin:password_change": "Lo",
    "admin:password_change_done": "Lo",
    "admin:search": "Lo",
    "admin:view_on_site": "L-",
    "mfa_activate_totp": "Lo",
    "mfa_add_webauthn": "Lo",
    "mfa_authenticate": "Lo",
    "mfa_deactivate_totp": "L-",
    "mfa_download_recovery_codes": "L-",
    "mfa_edit_webauthn": "L-",
    "mfa_generate_recovery_codes": "Lo",
    "mfa_index": "Lo",
    "mfa_list_webauthn": "Lo",
    "mfa_login_webauthn": "Lo",
    "mfa_reauthenticate": "Lo",
    "mfa_reauthenticate_webauthn": "Lo",
    "mfa_remove_webauthn": "L-",
    "mfa_view_recovery_codes": "L-",
    "openid_connect_callback": "--",
    "openid_connect_login": "--",
    "session_prove": "Lo",
    "session_proved": "Lo",
    "socialaccount_connections": "Lo",
    "socialaccount_login_cancelled": "oo",
    "socialaccount_login_error": "Lu",
    "socialaccount_signup": "--",
    "usersessions_list": "Lo",
}
