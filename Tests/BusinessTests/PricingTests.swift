import Business
import Faults
import JSON
import Testing

@Suite struct PricingTests {
    private let byVolume = Pricing.perGB(Pricing.UnitPrices(unitPrice: dollars("1.40"), tiers: [Pricing.Tier(from: 100, unitPrice: dollars("1.20"))]))

    private func sum(_ parts: [PricePart]) -> Money { parts.reduce(.zero) { $0 + $1.amount } }

    @Test func `below the first tier there is one line at the list price`() throws {
        let parts = try byVolume.parts(of: Pricing.Order(quantity: 10))
        #expect(parts.map(\.label) == ["10 GB"])
        #expect(sum(parts) == dollars("14.00"))
    }

    @Test func `a tier prices the whole quantity, and shows what it takes off`() throws {
        let parts = try byVolume.parts(of: Pricing.Order(quantity: 100))
        #expect(parts.map(\.amount) == [dollars("140.00"), dollars("-20.00")])
        #expect(sum(parts) == dollars("120.00"))
    }

    @Test func `periods cost their price for each piece and each period`() throws {
        let pricing = Pricing.perPeriod(Pricing.PeriodPrices(month: dollars("1.80"), year: nil))
        #expect(sum(try pricing.parts(of: Pricing.Order(quantity: 3, period: .month))) == dollars("5.40"))
        #expect(sum(try pricing.parts(of: Pricing.Order(quantity: 3, period: .month, periods: 2))) == dollars("10.80"))
    }

    @Test func `a period that is missing, not offered or out of place is refused`() async throws {
        let pricing = Pricing.perPeriod(Pricing.PeriodPrices(month: dollars("1.80")))
        await refused(.invalid, "period_required") { try pricing.parts(of: Pricing.Order(quantity: 1)) }
        await refused(.invalid, "period_not_offered") { try pricing.parts(of: Pricing.Order(quantity: 1, period: .year)) }
        await refused(.invalid, "period_not_applicable") { try byVolume.parts(of: Pricing.Order(quantity: 1, period: .month)) }
    }

    @Test func `a price beyond what a wallet can hold is refused and does not trap`() async throws {
        let pricing = Pricing.perUnit(Pricing.UnitPrices(unitPrice: dollars("1000000.00")))
        await refused(.invalid, "price_too_large") { try pricing.parts(of: Pricing.Order(quantity: 1_000_000_000)) }
        await refused(.invalid, "price_too_large") { try pricing.parts(of: Pricing.Order(quantity: .max)) }
    }

    @Test(arguments: [
        // amount, numerator, denominator, result
        ("0.000001", 1, 2, "0.00"), ("0.000003", 1, 2, "0.000002"), ("0.000005", 1, 2, "0.000002"), ("-0.000003", 1, 2, "-0.000002"),
        ("-0.000005", 1, 2, "-0.000002"), ("1.00", 1, 3, "0.333333"), ("2.00", 1, 3, "0.666667"), ("-2.00", 1, 3, "-0.666667"),
        ("1.40", 85, 100, "1.19"),
        ("999999999999.999999", 1, 1, "999999999999.999999"),
    ])
    func `division rounds to the millionth, half to even`(_ amount: String, _ numerator: Int64, _ denominator: Int64, _ result: String) {
        #expect(dollars(amount).scaled(numerator, over: denominator) == dollars(result))
    }

    @Test func `what does not fit after scaling is nil`() {
        #expect(Money.largest.scaled(2, over: 1) == nil)
    }

    @Test func `a percentage applies to every price of the rule`() {
        let half = PriceOverride.percent(dollars("85.5")).applied(to: byVolume)
        #expect(half == .perGB(Pricing.UnitPrices(unitPrice: dollars("1.197"), tiers: [Pricing.Tier(from: 100, unitPrice: dollars("1.026"))])))
    }

    @Test func `a rule reads back from its JSON`() throws {
        for pricing in [
            byVolume, .perPeriod(Pricing.PeriodPrices(month: dollars("1"), year: nil)), .perUnit(Pricing.UnitPrices(unitPrice: dollars("0.05"))),
        ] {
            #expect(try Pricing(checking: JSONValue(encoding: pricing)) == pricing)
        }
    }

    @Test(arguments: [
        (#"{"model": "free"}"#, "/pricing/model"), (#"{"model": "perGB"}"#, "/pricing/unitPrice"),
        (#"{"model": "perGB", "unitPrice": "1.4.0"}"#, "/pricing/unitPrice"), (#"{"model": "perGB", "unitPrice": 1.4}"#, "/pricing/unitPrice"),
        (#"{"model": "perGB", "unitPrice": "-1"}"#, "/pricing/unitPrice"), (#"{"model": "perGB", "unitPrice": "1", "month": "2"}"#, "/pricing/month"),
        (#"{"model": "perGB", "unitPrice": "1", "tiers": [{"from": 1, "unitPrice": "1"}]}"#, "/pricing/tiers/0/from"),
        (#"{"model": "perGB", "unitPrice": "1", "tiers": [{"from": 9, "unitPrice": "1"}, {"from": 9, "unitPrice": "1"}]}"#, "/pricing/tiers/1/from"),
        (#"{"model": "perPeriod"}"#, "/pricing"), (#"{"model": "percent", "percent": "85"}"#, "/pricing/model"), (#"[]"#, "/pricing"),
    ])
    func `a wrong price rule is refused with the field at fault`(_ text: String, _ field: String) async throws {
        let json = try JSONValue(parsing: text)
        let error = await refused(.invalid, "invalid_pricing") { try Pricing(checking: json) }
        #expect(error?.field == field)
    }

    @Test func `the parts of any price add up to it, and a tier never costs more than the list`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let unit = Money(micros: Int64.random(in: 0...10_000_000, using: &random))
            let tier = Pricing.Tier(
                from: Int.random(in: 2...500, using: &random), unitPrice: Money(micros: Int64.random(in: 0...unit.micros, using: &random)))
            let pricing = Pricing.perUnit(Pricing.UnitPrices(unitPrice: unit, tiers: [tier]))
            let quantity = Int.random(in: 1...1000, using: &random)
            let parts = try pricing.parts(of: Pricing.Order(quantity: quantity))
            let expected = (quantity >= tier.from ? tier.unitPrice : unit).times(quantity)
            #expect(sum(parts) == expected, "seed \(seed)")
            #expect(parts.allSatisfy { $0.unitPrice.times($0.quantity) == $0.amount }, "seed \(seed)")
        }
    }
}
