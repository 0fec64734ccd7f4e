"""The part of the table that is about evidence and who looks after it. How to read it: see table.py."""

EVIDENCE = """
AccessLine add                            xxxxxxxxx  xxxxxxxxx
AccessLine change                         -o-----o-  -n-----n-
AccessLine changelist                     xoxxxxxox  xoxxxxxox
AccessLine delete                         -x-----x-  -x-----x-
AccessLine do carry                       -x-----o-  -x-----o-
AccessLine do keep                        -o-----o-  -o-----o-  accessline
AccessLine do revoke                      -o-----o-  -o-----o-  accessline
AccessLine edit                           -x-----x-  -x-----x-
AccessLine history                        ---------  nnnnnnnnn
AccessReview add                          xxxxxxxxx  xxxxxxxxx
AccessReview change                       -o-----o-  -n-----n-
AccessReview changelist                   xoxxxxxox  xoxxxxxox
AccessReview csv                          -o-----o-  nnnnnnnnn
AccessReview delete                       -x-----x-  -x-----x-
AccessReview do complete                  -o-----o-  -o-----o-
AccessReview edit                         -x-----x-  -x-----x-
AccessReview history                      ---------  nnnnnnnnn
AccessReview start                        xoxxxxxox  xoxxxxxox
AuditEvent rights                         xoxxxxxox  nnnnnnnnn
AuditEvent timeline                       ---------  nnnnnnnnn
CapturedRow add                           xxxxxxxxx  xxxxxxxxx
CapturedRow change                        -o-----o-  -n-----n-
CapturedRow changelist                    xoxxxxxox  xoxxxxxox
CapturedRow delete                        -x-----x-  -x-----x-
CapturedRow edit                          -x-----x-  -x-----x-
CapturedRow history                       ---------  nnnnnnnnn
Export add                                xxxxxxxxx  xxxxxxxxx
Export ask                                xoxxxxxxx  xoxxxxxxx
Export change                             -o-------  -n-------
Export changelist                         xoxxxxxxx  xoxxxxxxx
Export delete                             -x-------  -x-------
Export do remove                          -o-------  -o-------  export
Export edit                               -x-------  -x-------
Export file                               -o-------  nnnnnnnnn
Export history                            ---------  nnnnnnnnn
Export live                               -o-------  nnnnnnnnn
"""
