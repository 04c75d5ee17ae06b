#!/bin/sh
# The recipe of MongooseIM's tutorial "Client certificate authentication", in the folder FOLDER
# and for the user USER. Its six commands are as they stand there; what they would ask for is
# given by -passout, -passin and -subj, and that is all that is added.
#
#     seed-recipe.sh FOLDER USER PASSWORD
set -eu
cd "$1"
user=$2
password=pass:$3

openssl genrsa -des3 -passout "$password" -out rootCA.key 4096
openssl req -x509 -new -nodes -key rootCA.key -sha256 -days 1024 -out rootCA.crt \
    -passin "$password" -subj "/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd"
openssl genrsa -out client.key 2048
openssl req -new -key client.key -out client.csr \
    -subj "/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd/CN=$user"
openssl x509 -req -in client.csr -CA rootCA.crt -CAkey rootCA.key -CAcreateserial \
    -out client.crt -days 500 -sha256 -passin "$password"
openssl pkcs12 -export -inkey client.key -in client.crt -out client.p12 -passout "$password"
