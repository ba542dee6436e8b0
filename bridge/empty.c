typedef int wb_bridge_empty;
