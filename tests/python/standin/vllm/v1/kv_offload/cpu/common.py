from vllm.v1.kv_offload.base import LoadStoreSpec


class CPULoadStoreSpec(LoadStoreSpec):
    def __init__(self, block_ids):
        super().__init__(None, block_ids)
