typedef int wb_proto_empty;
