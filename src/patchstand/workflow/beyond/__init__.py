"""Beyond one machine: batches of targets as data, looked at by other processes and at other sites.

batches    what is sent and what comes back, as validated msgpack
grouping   targets -> batches, each network in one of them
remote     what a worker does with a batch
executor   local processes or a Dask cluster: one switch
queue      batches through PostgreSQL, the coordinator's side
worker     batches through PostgreSQL, the worker's side
"""
