"""Who may do what at every address of the desk: reviewed by people, checked against the hub by test_matrix.

One letter for each person of `world.PEOPLE`: V Viewer, A Auditor, R Resolver, I Integration owner, O Operator,
D Developer, C Credential admin, S Security admin, each in a team that was given all rights on the integration and the
credential that are asked about, and N, who has no role. o: answered or done. x: refused (403). -: as if it did not
exist (404). n: no such method (405).

Of rows that nobody was given anything on the letters follow from these: everything is “-”, but for A and S, whose roles
reach everything by design. Rows that are absent or deleted are “-” for everybody. `writes`: the tables that a POST
which is done has written beside its history and its audit event, with the smallest data that the page takes; any: *.
"""

from tests.permissions.evidence import EVIDENCE

TABLE = """
# route                                   GET        POST       writes
Attempt edit                              xxxxxxxx-  xxxxxxxx-
Attempt changelist                        oooooooox  oooooooox
Attempt add                               xxxxxxxxx  xxxxxxxxx
Attempt history                           ---------  nnnnnnnnn
Attempt delete                            xxxxxxxx-  xxxxxxxx-
Attempt change                            oooooooo-  nnnnnnnn-
AuditEvent edit                           -x-----x-  -x-----x-
AuditEvent changelist                     xoxxxxxox  xoxxxxxox
AuditEvent add                            xxxxxxxxx  xxxxxxxxx
AuditEvent history                        ---------  nnnnnnnnn
AuditEvent delete                         -x-----x-  -x-----x-
AuditEvent change                         -o-----o-  -n-----n-
Change edit                               xxxxxxxx-  xxxxxxxx-
Change changelist                         oooooooox  oooooooox
Change add                                xxxxxxxxx  xxxxxxxxx
Change history                            ---------  nnnnnnnnn
Change delete                             xxxxxxxx-  xxxxxxxx-
Change change                             oooooooo-  nnnnnnnn-
Change do map_anew                        xxoooxxx-  xxoooxxx-
Change do release                         xxoooxxx-  xxoooxxx-
Change do skip                            xxxooxxx-  xxxooxxx-
Change do supersede                       xxxooxxx-  xxxooxxx-
Checkpoint edit                           xxxxxxxx-  xxxxxxxx-
Checkpoint changelist                     oooooooox  oooooooox
Checkpoint add                            xxxxxxxxx  xxxxxxxxx
Checkpoint history                        ---------  nnnnnnnnn
Checkpoint delete                         xxxxxxxx-  xxxxxxxx-
Checkpoint change                         oooooooo-  nnnnnnnn-
Connection live                           oooooooo-  nnnnnnnnn
Connection edit                           xxxxxxox-  xxxxxxox-
Connection changelist                     oooooooox  oooooooox
Connection add                            xxxxxxoxx  xxxxxxoxx
Connection history                        oooooooo-  nnnnnnnnn
Connection delete                         xxxxxxxx-  xxxxxxxx-
Connection change                         oooooooo-  nnnnnnnn-
Connection do test                        xxxooxox-  xxxooxox-  connectioncheck
Connection do streams                     xxxooxox-  xxxooxox-
Connection do probe                       xxxooxxo-  xxxooxxo-  connectioncheck
Connection do close_breaker               xxxooxxo-  xxxooxxo-
Connection do pause                       xxxooxxo-  xxxooxxo-  connection
Connection do resume                      xxxooxxo-  xxxooxxo-  connection
Consent callback                          xxxxxxoxx  nnnnnnnnn
Consent live                              oooooooo-  nnnnnnnnn
Consent edit                              xxxxxxxx-  xxxxxxxx-
Consent changelist                        oooooooox  oooooooox
Consent add                               xxxxxxxxx  xxxxxxxxx
Consent history                           ---------  nnnnnnnnn
Consent delete                            xxxxxxxx-  xxxxxxxx-
Consent change                            oooooooo-  nnnnnnnn-
Credential do connect                     xxxxxxox-  xxxxxxox-
Credential edit                           xxxxxxox-  xxxxxxox-  credential
Credential changelist                     oooooooox  oooooooox
Credential add                            xxxxxxoxx  xxxxxxoxx
Credential history                        oooooooo-  nnnnnnnnn
Credential delete                         xxxxxxxx-  xxxxxxxx-
Credential change                         oooooooo-  nnnnnnnn-
Credential do set_values                  xxxxxxox-  xxxxxxox-
Credential do rotate                      xxxxxxox-  xxxxxxox-
Credential do test                        xxxxxxox-  xxxxxxox-  connectioncheck
Credential do activate                    xxxxxxox-  xxxxxxox-
Credential do discard                     xxxxxxox-  xxxxxxox-
Credential do go_back                     xxxxxxox-  xxxxxxox-
Credential do revoke                      xxxxxxox-  xxxxxxox-
Credential do give_access                 xxxxxxxo-  xxxxxxxo-  credentialgrant
CredentialGrant edit                      -x-----x-  -x-----x-
CredentialGrant changelist                xoxxxxxox  xoxxxxxox
CredentialGrant add                       xxxxxxxxx  xxxxxxxxx
CredentialGrant history                   ---------  nnnnnnnnn
CredentialGrant delete                    -x-----x-  -x-----x-
CredentialGrant change                    -o-----o-  -n-----n-
CredentialGrant do take                   -x-----o-  -x-----o-  credentialgrant
Delivery edit                             xxxxxxxx-  xxxxxxxx-
Delivery changelist                       oooooooox  oooooooox
Delivery add                              xxxxxxxxx  xxxxxxxxx
Delivery history                          ---------  nnnnnnnnn
Delivery delete                           xxxxxxxx-  xxxxxxxx-
Delivery change                           oooooooo-  nnnnnnnn-
Delivery do replay                        xxxooxxx-  xxxooxxx-  delivery,hint
EgressZone edit                           xxxxxxxo-  xxxxxxxo-
EgressZone changelist                     oooooooox  oooooooox
EgressZone add                            xxxxxxxox  xxxxxxxox
EgressZone history                        oooooooo-  nnnnnnnnn
EgressZone delete                         xxxxxxxo-  xxxxxxxo-  egresszone
EgressZone change                         oooooooo-  nnnnnnnn-
EgressZone do open                        xxxxxxxo-  xxxxxxxo-  egresszone
EgressZone do close                       xxxxxxxo-  xxxxxxxo-
Finding edit                              xxxxxxxx-  xxxxxxxx-
Finding changelist                        oooooooox  oooooooox
Finding add                               xxxxxxxxx  xxxxxxxxx
Finding history                           ---------  nnnnnnnnn
Finding delete                            xxxxxxxx-  xxxxxxxx-
Finding change                            oooooooo-  nnnnnnnn-
Group edit                                -x-----x-  -x-----x-
Group changelist                          xoxxxxxox  xoxxxxxox
Group add                                 xxxxxxxox  xxxxxxxox
Group history                             ---------  nnnnnnnnn
Group delete                              -x-----o-  -x-----o-  *
Group change                              -o-----o-  -x-----o-
Hint edit                                 xxxxxxxx-  xxxxxxxx-
Hint changelist                           oooooooox  oooooooox
Hint add                                  xxxxxxxxx  xxxxxxxxx
Hint history                              ---------  nnnnnnnnn
Hint delete                               xxxxxxxx-  xxxxxxxx-
Hint change                               oooooooo-  nnnnnnnn-
Integration cards                         ooooooooo  nnnnnnnnn
Integration slots                         ooooooooo  nnnnnnnnn
Lane workers                              xoxxoxxox  nnnnnnnnn
Lane workers_live                         xoxxoxxox  nnnnnnnnn
Integration live                          oooooooo-  nnnnnnnnn
Integration edit                          xxxoxxxx-  xxxoxxxx-
Integration changelist                    oooooooox  oooooooox
Integration add                           xxxoxxxxx  xxxoxxxxx
Integration history                       oooooooo-  nnnnnnnnn
Integration delete                        xxxxxxxx-  xxxxxxxx-
Integration change                        oooooooo-  nnnnnnnn-
Integration do run_now                    xxxooxxx-  xxxooxxx-
Integration do preview                    xxxooxxx-  xxxooxxx-
Integration do pause                      xxxooxxo-  xxxooxxo-  integration
Integration do resume                     xxxooxxo-  xxxooxxo-  integration
Integration do give_access                xxxxxxxo-  xxxxxxxo-  integrationgrant
IntegrationGrant edit                     -x-----x-  -x-----x-
IntegrationGrant changelist               xoxxxxxox  xoxxxxxox
IntegrationGrant add                      xxxxxxxxx  xxxxxxxxx
IntegrationGrant history                  ---------  nnnnnnnnn
IntegrationGrant delete                   -x-----x-  -x-----x-
IntegrationGrant change                   -o-----o-  -n-----n-
IntegrationGrant do take                  -x-----o-  -x-----o-  integrationgrant
Lane edit                                 xxxxxxxx-  xxxxxxxx-
Lane changelist                           oooooooox  oooooooox
Lane add                                  xxxxxxxxx  xxxxxxxxx
Lane history                              ---------  nnnnnnnnn
Lane delete                               xxxxxxxx-  xxxxxxxx-
Lane change                               oooooooo-  nnnnnnnn-
Link edit                                 xxxxxxxx-  xxxxxxxx-
Link changelist                           oooooooox  oooooooox
Link add                                  xxxxxxxxx  xxxxxxxxx
Link history                              ---------  nnnnnnnnn
Link delete                               xxxxxxxx-  xxxxxxxx-
Link change                               oooooooo-  nnnnnnnn-
MainSwitch edit                           xxxxxxxx-  xxxxxxxx-
MainSwitch changelist                     ooooooooo  ooooooooo
MainSwitch add                            xxxxxxxxx  xxxxxxxxx
MainSwitch history                        ---------  nnnnnnnnn
MainSwitch delete                         xxxxxxxx-  xxxxxxxx-
MainSwitch change                         oooooooo-  nnnnnnnn-
MainSwitch do pause                       xxxxoxxo-  xxxxoxxo-  mainswitch
MainSwitch do resume                      xxxxoxxo-  xxxxoxxo-  mainswitch
Mapping edit                              xxxoxxxx-  xxxoxxxx-
Mapping changelist                        oooooooox  oooooooox
Mapping add                               xxxoxxxxx  xxxoxxxxx
Mapping history                           oooooooo-  nnnnnnnnn
Mapping delete                            xxxxxxxx-  xxxxxxxx-
Mapping change                            oooooooo-  nnnnnnnn-
Mapping do run_now                        xxxooxxx-  xxxooxxx-
Mapping do preview                        xxxoooxx-  xxxoooxx-
Mapping do draft                          xxxoxoxx-  xxxoxoxx-
MappingVersion edit                       xxxoxoxx-  xxxoxoxx-
MappingVersion changelist                 oooooooox  oooooooox
MappingVersion add                        xxxxxxxxx  xxxxxxxxx
MappingVersion history                    oooooooo-  nnnnnnnnn
MappingVersion delete                     xxxoxoxx-  xxxoxoxx-  mappingversion
MappingVersion change                     oooooooo-  nnnnnnnn-
MappingVersion do try_out                 xxxoooxx-  xxxoooxx-
MappingVersion do activate                xxxoxxxx-  xxxoxxxx-  checkpoint,mapping,mappingversion
ReconciliationException edit              xxxxxxxx-  xxxxxxxx-
ReconciliationException changelist        oooooooox  oooooooox
ReconciliationException add               xxxxxxxxx  xxxxxxxxx
ReconciliationException history           ---------  nnnnnnnnn
ReconciliationException delete            xxxxxxxx-  xxxxxxxx-
ReconciliationException change            oooooooo-  nnnnnnnn-
ReconciliationException do retry          xxoooxxx-  xxoooxxx-  hint,link
ReconciliationException do acknowledge    xxoooxxx-  xxoooxxx-
ReconciliationException do happened       xxxxxxxx-  xxxxxxxx-
ReconciliationException do not_happened   xxxxxxxx-  xxxxxxxx-
ReconciliationException do stop           xxxxxxxx-  xxxxxxxx-
ReconciliationException do map_anew       xxoooxxx-  xxoooxxx-
ReconciliationException do release        xxoooxxx-  xxoooxxx-
ReconciliationException do skip           xxxooxxx-  xxxooxxx-
ReconciliationException do supersede      xxxooxxx-  xxxooxxx-
ReconciliationException do leave          xxoooxxx-  xxoooxxx-
ReconciliationException do overwrite      xxoooxxx-  xxoooxxx-
ReconciliationException do keep           xxxooxxx-  xxxooxxx-
Recovery live                             oooooooo-  nnnnnnnnn
Recovery edit                             xxxxxxxx-  xxxxxxxx-
Recovery changelist                       oooooooox  oooooooox
Recovery add                              xxxxxxxxx  xxxxxxxxx
Recovery history                          ---------  nnnnnnnnn
Recovery delete                           xxxxxxxx-  xxxxxxxx-
Recovery change                           oooooooo-  nnnnnnnn-
Recovery do review                        xxxxoxxx-  xxxxoxxx-  review
Recovery do leave                         xxxxoxxx-  xxxxoxxx-
Replay live                               oooooooo-  nnnnnnnnn
Replay edit                               xxxxxxxx-  xxxxxxxx-
Replay changelist                         oooooooox  oooooooox
Replay add                                xxxooxxxx  xxxooxxxx
Replay history                            ---------  nnnnnnnnn
Replay delete                             xxxxxxxx-  xxxxxxxx-
Replay change                             oooooooo-  nnnnnnnn-
Replay do preview                         xxxooxxx-  xxxooxxx-  syncrun
Replay do start                           xxxooxxx-  xxxooxxx-  replay
Replay do pause                           xxxooxxx-  xxxooxxx-
Replay do go_on                           xxxooxxx-  xxxooxxx-  replay
Replay do cancel                          xxxooxxx-  xxxooxxx-  replay
Slot edit                                 xxxxxxxx-  xxxxxxxx-
Slot changelist                           oooooooox  oooooooox
Slot add                                  xxxxxxxxx  xxxxxxxxx
Slot history                              ---------  nnnnnnnnn
Slot delete                               xxxxxxxx-  xxxxxxxx-
Slot change                               oooooooo-  nnnnnnnn-
SyncRun live                              oooooooo-  nnnnnnnnn
SyncRun edit                              xxxxxxxx-  xxxxxxxx-
SyncRun changelist                        oooooooox  oooooooox
SyncRun add                               xxxxxxxxx  xxxxxxxxx
SyncRun history                           ---------  nnnnnnnnn
SyncRun delete                            xxxxxxxx-  xxxxxxxx-
SyncRun change                            oooooooo-  nnnnnnnn-
SyncRun do cancel                         xxxooxxx-  xxxooxxx-
SyncRun do approve_held                   xxxooxxx-  xxxooxxx-  change,syncrun
SyncRun do discard_held                   xxxooxxx-  xxxooxxx-  change,syncrun
SyncRun do again                          xxxooxxx-  xxxooxxx-
User edit                                 -x-----x-  -x-----x-
User do end_sessions                      -x-----o-  -x-----o-
User do remove_factors                    -x-----o-  -x-----o-
User password_change                      -x-----o-  -x-----o-
User changelist                           xoxxxxxox  xoxxxxxox
User add                                  xxxxxxxox  xxxxxxxox
User history                              ---------  nnnnnnnnn
User delete                               -x-----x-  -x-----x-
User change                               -o-----o-  -x-----o-
Webhook edit                              xxxxxxox-  xxxxxxox-
Webhook changelist                        oooooooox  oooooooox
Webhook add                               xxxxxxoxx  xxxxxxoxx
Webhook history                           oooooooo-  nnnnnnnnn
Webhook delete                            xxxxxxxx-  xxxxxxxx-
Webhook change                            oooooooo-  nnnnnnnn-
Webhook do set_secret                     xxxxxxox-  xxxxxxox-
Webhook do test                           xxxxxxox-  xxxxxxox-
Webhook do replay                         xxxooxxx-  xxxooxxx-
WebhookRoute edit                         xxxxxxxx-  xxxxxxxx-
WebhookRoute changelist                   oooooooox  oooooooox
WebhookRoute add                          xxxoxxxxx  xxxoxxxxx
WebhookRoute history                      oooooooo-  nnnnnnnnn
WebhookRoute delete                       xxxoxxxx-  xxxoxxxx-  webhookroute
WebhookRoute change                       oooooooo-  xxxoxxxx-
"""
TABLE += EVIDENCE
