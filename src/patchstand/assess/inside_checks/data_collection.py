"""Whether the server sends diagnostic data about itself to Microsoft.

`DataCollectionEnabled` came with the Emergency Mitigation service, on unless turned off
(Microsoft Learn, "Diagnostic data collected for Exchange Server").
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import reaches_cu
from patchstand.assess.severity import NOTE
from patchstand.assess.values import truth
from patchstand.model import Finding, ProductLine, Remedy

_CUS = {ProductLine.V2016: "CU22", ProductLine.V2019: "CU11"}
_SERVER = "GetExchangeServer"


def _run(inside: Inside) -> Iterator[Said]:
    if reaches_cu(inside, _CUS) is False:
        return
    found = inside.state.reading(_SERVER, "DataCollectionEnabled")
    if found is None or truth(found.value) is None:
        yield Unread(_SERVER)
    elif truth(found.value):
        yield Finding(
            "data_collection",
            NOTE,
            remedy=(Remedy("stop_data_collection"),),
            references=("Microsoft Learn: Diagnostic data collected for Exchange Server",),
            read=(found,),
        )


CHECK = InsideCheck("data_collection", _run)
