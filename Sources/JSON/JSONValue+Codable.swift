// A document inside of a typed value is taken over whole by this module's own decoder and encoder, before these functions are asked. They exist
// so that a struct with a JSONValue in it has its Codable synthesized; no other coder is used in Millrace.

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? JSONValueDecoder else { throw JSONError(.mismatch, "a JSONValue is read by JSONValue.decode only") }
        self = decoder.value
    }

    package func encode(to encoder: any Encoder) throws {
        throw JSONError(.mismatch, "a JSONValue is written by JSONValue(encoding:) only")
    }
}

extension JSONObject: Codable {
    package init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? JSONValueDecoder else { throw JSONError(.mismatch, "a JSONObject is read by JSONValue.decode only") }
        guard let object = decoder.value.object else { throw decoder.mismatch("an object") }
        self = object
    }

    package func encode(to encoder: any Encoder) throws {
        throw JSONError(.mismatch, "a JSONObject is written by JSONValue(encoding:) only")
    }
}
