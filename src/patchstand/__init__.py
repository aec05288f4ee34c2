"""patchstand: which build is an Exchange server, how far behind, and what follows.

The map (one stage knows the model and nothing else; only `workflow` knows the stages):

    model      the nouns; `errors`, `plugins` lie beneath everything
    identify   evidence -> set of builds          (pure)
    assess     set of builds + knowledge + date -> verdict   (pure)
    report     any result -> text, JSON, HTML     (pure)
    knowledge  what is known of builds, advisories and support
    observe    asks servers from outside, through one scope gate
    lab        a simulated estate of servers on loopback
    workflow   one function per verb; `cli` turns arguments into one workflow call
"""

__version__ = "0.1.0"
