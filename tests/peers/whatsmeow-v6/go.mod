module whatsapp-bridge/tests/peers/whatsmeow-v6

go 1.23.0

require (
	github.com/gorilla/websocket v1.5.0
	github.com/mattn/go-sqlite3 v1.14.32
	go.mau.fi/whatsmeow v0.0.0-20250318233852-06705625cf82
	google.golang.org/protobuf v1.36.5
)

require (
	filippo.io/edwards25519 v1.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.19 // indirect
	github.com/rs/zerolog v1.33.0 // indirect
	go.mau.fi/libsignal v0.1.2 // indirect
	go.mau.fi/util v0.8.6 // indirect
	golang.org/x/crypto v0.36.0 // indirect
	golang.org/x/net v0.37.0 // indirect
	golang.org/x/sys v0.31.0 // indirect
)
