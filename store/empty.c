typedef int wb_store_empty;
