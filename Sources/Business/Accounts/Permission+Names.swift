internal import Bytes
internal import JSON

extension Permission {
    /// The permissions of these names; unknown names are dropped.
    static func known(_ names: [String]) -> Set<Permission> { Set(names.compactMap(Permission.init(rawValue:))) }

    /// The permissions of names that somebody gave.
    ///
    /// - Throws: `unknown_permission` with the entry's field and the nearest name.
    package static func named(_ names: [String], field: String = "/permissions") throws(BusinessError) -> Set<Permission> {
        var permissions: Set<Permission> = []
        for (index, name) in names.enumerated() {
            guard let permission = Permission(rawValue: name) else {
                let hint = NearestName.suggestion(for: name, among: allCases.map(\.rawValue)).map { "; did you mean \($0)?" } ?? "."
                throw BusinessError(
                    .invalid, "unknown_permission", "There is no permission \"\(name.prefix(60))\"\(hint)", field: "\(field)/\(index)")
            }
            permissions.insert(permission)
        }
        return permissions
    }
}

extension Set<Permission> {
    /// The names in alphabetical order.
    package var names: [String] { map(\.rawValue).sorted() }

    var json: JSONValue { .array(names.map(JSONValue.string)) }
}
