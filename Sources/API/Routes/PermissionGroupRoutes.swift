internal import Business
internal import Bytes

/// What accounts below may do at most.
enum PermissionGroupRoutes {
    static let operations: [String: Operation] = [
        "listPermissionGroups": .read { call, connection in
            .page(
                try call.business.permissionGroups.list(
                    owner: call.query.id("accountId"), after: call.cursor, limit: call.limit, by: call.caller, on: connection), \.json)
        },
        "createPermissionGroup": .change { call, connection in
            let group = try call.business.permissionGroups.create(
                name: call.body.required("name", call.body.text("name")), permissions: Permission.named(call.body.texts("permissions") ?? []),
                by: call.caller, on: connection)
            return .created(group.json, at: "/permission-groups/" + group.id.text("group"))
        },
        "getPermissionGroup": .read { call, connection in
            .ok(try call.business.permissionGroups.get(call.id("groupId"), by: call.caller, on: connection).json)
        },
        "updatePermissionGroup": .change { call, connection in
            let permissions = try call.body.texts("permissions").map { names throws(BusinessError) in try Permission.named(names) }
            return .ok(
                try call.business.permissionGroups.edit(
                    call.id("groupId"), name: call.body.text("name"), permissions: permissions, by: call.caller, on: connection
                ).json)
        },
        "deletePermissionGroup": .change { call, connection in
            try call.business.permissionGroups.delete(call.id("groupId"), by: call.caller, on: connection)
            return .done
        },
    ]
}
