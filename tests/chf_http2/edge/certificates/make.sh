#!/bin/sh
# Keys and certificates of tests alone: worth nothing, valid for a hundred years. Made once, kept beside this script; the keys of
# the authorities are thrown away.
set -eu
cd "$(dirname "$0")"
authority() {
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1-key.pem"
    openssl req -x509 -new -key "$1-key.pem" -subj "/CN=farebox tests $1" -days 36500 -out "$1.pem"
}
issue() {
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1-key.pem"
    openssl req -new -key "$1-key.pem" -subj "/CN=$1" -out "$1.csr"
    printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >extensions
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2-key.pem" -CAcreateserial -days 36500 -extfile extensions -out "$1.pem"
    rm -f "$1.csr" extensions "$2.srl"
}
authority authority
authority strange-authority
issue server authority
issue client authority
issue stranger strange-authority
rm -f authority-key.pem strange-authority-key.pem
