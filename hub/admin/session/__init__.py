"""How people get in and stay in: sign-in, second factor, single sign-on, sessions, and proof for what is sensitive.

The pages are allauth's in the desk's frame. The tables behind them are not shown on the desk: each person keeps
their own factors and sessions, on pages of their own.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin

from hub.admin.session import trail

__all__ = ["trail"]

for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
