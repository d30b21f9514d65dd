internal import JSON

/// What the demo sells; prices per GB as the reseller dashboard's seed paid them.
enum DemoProducts {
    static let all: [JSONValue] = [
        [
            "code": "residential-lite", "name": "Residential Lite", "family": "proxy", "proxyType": "residential-lite", "currency": "USD",
            "pricing": ["model": "perGB", "unitPrice": "0.70", "tiers": [["from": 50, "unitPrice": "0.60"]]], "validityDays": 30,
        ],
        [
            "code": "datacenter", "name": "Datacenter", "family": "proxy", "proxyType": "datacenter", "currency": "USD",
            "pricing": ["model": "perPeriod", "month": "1.80", "year": "18.00"], "validityDays": 30,
        ],
        [
            "code": "ipv6-residential", "name": "IPv6 Residential", "family": "proxy", "proxyType": "ipv6", "currency": "USD",
            "pricing": ["model": "perGB", "unitPrice": "0.45"], "validityDays": 30,
        ],
    ]
}
