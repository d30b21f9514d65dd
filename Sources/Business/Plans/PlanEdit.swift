/// What an owner may change of a plan.
package struct PlanEdit: Sendable {
    package var customerReference: Change<String>
    package var groupName: Change<String>
    /// Nil: as they are; empty: from anywhere.
    package var allowedIPs: [AddressRange]?

    package init(customerReference: Change<String> = .keep, groupName: Change<String> = .keep, allowedIPs: [AddressRange]? = nil) {
        self.customerReference = customerReference
        self.groupName = groupName
        self.allowedIPs = allowedIPs
    }
}
