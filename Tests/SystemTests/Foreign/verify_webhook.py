"""Verifies a received webhook with code that is not ours.

    verify_webhook.py LIBRARY SECRET BODY [NAME:VALUE ...]

LIBRARY is standardwebhooks or svix (the reference libraries of Standard Webhooks), or seed for the older form, with Python's own hmac. BODY is
hexadecimal, the rest are the header fields. Prints "accepted", or "refused: " and why.
"""

import base64
import hashlib
import hmac
import sys


def verify(library, secret, body, headers):
    if library == "standardwebhooks":
        from standardwebhooks.webhooks import Webhook

        Webhook(secret).verify(body, headers)
    elif library == "svix":
        from svix.webhooks import Webhook

        Webhook(secret).verify(body, headers)
    elif library == "seed":
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = hmac.new(key, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, headers.get("x-millrace-signature", "")):
            raise ValueError("another signature")
    else:
        sys.exit(f"there is no library {library}")


library, secret, body, *fields = sys.argv[1:]
headers = {name.lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
try:
    verify(library, secret, bytes.fromhex(body), headers)
except Exception as error:
    print(f"refused: {type(error).__name__}: {error}")
else:
    print("accepted")
