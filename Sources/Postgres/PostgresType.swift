/// The object identifiers of the built-in types that we speak (`pg_type.dat`); they are the same in every PostgreSQL.
package enum PostgresType {
    package static let bool: UInt32 = 16
    package static let bytea: UInt32 = 17
    package static let char: UInt32 = 18
    package static let name: UInt32 = 19
    package static let int8: UInt32 = 20
    package static let int2: UInt32 = 21
    package static let int4: UInt32 = 23
    package static let text: UInt32 = 25
    package static let oid: UInt32 = 26
    package static let json: UInt32 = 114
    package static let float4: UInt32 = 700
    package static let float8: UInt32 = 701
    package static let unknown: UInt32 = 705
    package static let inet: UInt32 = 869
    package static let cidr: UInt32 = 650
    package static let bpchar: UInt32 = 1042
    package static let varchar: UInt32 = 1043
    package static let date: UInt32 = 1082
    package static let timestamp: UInt32 = 1114
    package static let timestamptz: UInt32 = 1184
    package static let interval: UInt32 = 1186
    package static let numeric: UInt32 = 1700
    package static let void: UInt32 = 2278
    package static let uuid: UInt32 = 2950
    package static let jsonb: UInt32 = 3802

    /// Types from here on belong to the database: enumerations, domains' arrays, extensions such as citext.
    static let firstOfUser: UInt32 = 16384

    private static let table: [(type: UInt32, array: UInt32, name: String)] = [
        (bool, 1000, "bool"), (bytea, 1001, "bytea"), (char, 1002, "char"), (name, 1003, "name"), (int8, 1016, "int8"), (int2, 1005, "int2"),
        (int4, 1007, "int4"), (text, 1009, "text"), (oid, 1028, "oid"), (json, 199, "json"), (float4, 1021, "float4"), (float8, 1022, "float8"),
        (inet, 1041, "inet"), (cidr, 651, "cidr"), (bpchar, 1014, "bpchar"), (varchar, 1015, "varchar"), (date, 1182, "date"),
        (timestamp, 1115, "timestamp"), (timestamptz, 1185, "timestamptz"), (interval, 1187, "interval"), (numeric, 1231, "numeric"),
        (uuid, 2951, "uuid"), (jsonb, 3807, "jsonb"),
    ]

    /// The type of an array type's elements; nil when it is not an array type that we know.
    static func element(ofArray array: UInt32) -> UInt32? { table.first { $0.array == array }?.type }

    /// The array type of an element type; zero when there is none that we know.
    static func array(of type: UInt32) -> UInt32 { table.first { $0.type == type }?.array ?? 0 }

    /// A name for messages.
    static func name(_ type: UInt32) -> String {
        if let entry = table.first(where: { $0.type == type }) { return entry.name }
        if let entry = table.first(where: { $0.array == type }) { return entry.name + "[]" }
        return type >= firstOfUser ? "a type of the database's own" : "type \(type)"
    }
}
