from django.db import migrations

# What the roles were called, and what they are called now. Until now a role reached everything: whoever had one goes on
# reaching it through “Whole hub”, until somebody takes that away and gives rights on single integrations instead.
RENAMED = {
    "owner": "Integration owner",
    "resolver": "Resolver",
    "auditor": "Auditor",
    "operator": "Operator",
    "developer": "Developer",
}
ADMINISTRATOR = ("Integration owner", "Operator", "Credential admin", "Security admin")
REACHED = ("resolver", "operator", "developer", "administrator")


def rename(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    User = apps.get_model("hub", "User")
    database = schema_editor.connection.alias
    groups = Group.objects.using(database)
    old = {name: groups.filter(name=name).first() for name in [*RENAMED, "administrator"]}
    if not any(old.values()):
        return  # a first migrate: the roles are made after it
    whole, _ = groups.get_or_create(name="Whole hub")
    for name in REACHED:
        if old[name]:
            whole.user_set.add(*User.objects.using(database).filter(groups=old[name]))
    for name, new in RENAMED.items():
        if old[name] and not groups.filter(name=new).exists():
            groups.filter(pk=old[name].pk).update(name=new)
    if old["administrator"]:
        people = User.objects.using(database).filter(groups=old["administrator"])
        for name in ADMINISTRATOR:
            role, _ = groups.get_or_create(name=name)
            role.user_set.add(*people)
        old["administrator"].delete()


class Migration(migrations.Migration):
    dependencies = [("hub", "0028_grant"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
