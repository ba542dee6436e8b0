typedef int wb_crypto_empty;
