internal import JSON

/// The shapes of the definition files.
///
/// `docs/concepts/jobs.md` explains the fields.
enum DefinitionSchemas {
    static let job = schema(
        """
        {
          "type": "object",
          "required": ["kind", "summary", "handler", "style", "queue", "maxAttempts", "timeout", "retention", "payload", "example"],
          "additionalProperties": false,
          "properties": {
            "kind": { "type": "string", "pattern": "^[a-z][a-z0-9_]*\\\\.[a-z][a-z0-9_]*$" },
            "summary": { "type": "string", "minLength": 10 },
            "handler": { "type": "string", "pattern": "^[A-Z][A-Za-z0-9]*Job$" },
            "style": { "enum": ["atomic", "leased"] },
            "queue": { "type": "string", "minLength": 1 },
            "lanes": { "type": "array", "items": { "type": "string", "minLength": 1 } },
            "maxAttempts": { "type": "integer", "minimum": 1, "maximum": 1000 },
            "backoff": {
              "oneOf": [
                {
                  "type": "object", "required": ["base", "cap"], "additionalProperties": false,
                  "properties": { "base": { "type": "string" }, "factor": { "type": "number", "minimum": 1, "maximum": 10 }, "cap": { "type": "string" } }
                },
                {
                  "type": "object", "required": ["delays"], "additionalProperties": false,
                  "properties": { "delays": { "type": "array", "minItems": 1, "items": { "type": "string" } } }
                }
              ]
            },
            "timeout": { "type": "string" },
            "priority": { "type": "integer", "minimum": -10, "maximum": 10 },
            "unique": {
              "type": "object", "required": ["by"], "additionalProperties": false,
              "properties": {
                "by": { "type": "array", "items": { "type": "string" } },
                "states": { "enum": ["queued", "queuedOrRunning"] },
                "window": { "type": "string" }
              }
            },
            "limits": {
              "type": "object", "required": ["by"], "additionalProperties": false,
              "properties": {
                "by": { "type": "string", "minLength": 1 },
                "concurrency": { "type": "integer", "minimum": 1, "maximum": 100000 },
                "rate": {
                  "type": "object", "required": ["count", "per"], "additionalProperties": false,
                  "properties": {
                    "count": { "type": "integer", "minimum": 1, "maximum": 1000000 },
                    "per": { "type": "string" },
                    "burst": { "type": "integer", "minimum": 1, "maximum": 1000000 }
                  }
                }
              }
            },
            "schedules": {
              "type": "array",
              "items": {
                "type": "object", "required": ["name", "cron"], "additionalProperties": false,
                "properties": {
                  "name": { "type": "string", "minLength": 1 },
                  "cron": { "type": "string" },
                  "timeZone": { "type": "string" },
                  "catchUp": { "enum": ["skip", "latest", "all"] },
                  "payload": { "type": "object" }
                }
              }
            },
            "retention": { "type": "string" },
            "payload": { "type": "object" },
            "example": { "type": "object" }
          }
        }
        """)

    static let queue = schema(
        """
        {
          "type": "object",
          "required": ["queue", "summary", "type", "overflow", "deadLetter"],
          "additionalProperties": false,
          "properties": {
            "queue": { "type": "string", "pattern": "^[a-z][a-z0-9-]*$" },
            "summary": { "type": "string", "minLength": 10 },
            "type": { "const": "quorum" },
            "overflow": { "const": "reject-publish" },
            "deadLetter": { "const": "dead-letters" },
            "deliveryLimit": { "type": "integer", "minimum": 1, "maximum": 1000 },
            "maxLength": { "type": "integer", "minimum": 1000 },
            "prefetch": { "type": "integer", "minimum": 1, "maximum": 2000 },
            "batch": { "type": "integer", "minimum": 1, "maximum": 60 },
            "concurrency": {
              "type": "object", "required": ["min", "max"], "additionalProperties": false,
              "properties": { "min": { "type": "integer", "minimum": 1 }, "max": { "type": "integer", "minimum": 1, "maximum": 1000 } }
            }
          }
        }
        """)

    private static func schema(_ text: String) -> JSONSchema {
        do {
            return try JSONSchema(JSONValue(parsing: text))
        } catch {
            preconditionFailure("the schema of the definition files is itself valid: \(error)")
        }
    }
}
