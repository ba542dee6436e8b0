typedef int wb_api_empty;
