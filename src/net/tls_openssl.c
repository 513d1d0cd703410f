/* The engine of TLS, by OpenSSL; see tls.h. */

#include <openssl/crypto.h>

#include "net/tls.h"

const struct tls_face tls_face = {
    .library = OPENSSL_VERSION_TEXT,
};

const struct module tls_module = {
    .version = MODULE_VERSION,
    .name = "tls",
    .with = OPENSSL_VERSION_TEXT,
    .face = &tls_face,
};
