package import JSON
internal import Postgres

/// What the entries of a filter add up to in one currency.
package struct EntryTotals: Sendable, Hashable {
    package var currency: String
    package var count: Int
    /// All that came in.
    package var credits: Money
    /// All that went out, as a positive amount.
    package var debits: Money
    /// What was sold: charges by type, less nothing; refunds are no income and are not taken off here.
    package var income: Money

    init(_ row: Row) throws {
        currency = try row("currency")
        count = try row("count")
        credits = try row("credits")
        debits = try row("debits")
        income = try row("income")
    }

    package var json: JSONValue {
        [
            "currency": .string(currency), "count": .int(Int64(count)), "credits": .string(credits.description),
            "debits": .string(debits.description), "net": .string((credits - debits).description), "income": .string(income.description),
        ]
    }
}
