extension Money {
    /// This amount times a fraction, rounded to the millionth half to even: the one rule wherever money is divided.
    ///
    /// Half to even does not drift: of many halves as many go up as down. Nil when the result would not fit `numeric(18,6)`.
    package func scaled(_ numerator: Int64, over denominator: Int64) -> Money? {
        precondition(denominator > 0, "a fraction's denominator is positive")
        let product = Int128(micros) * Int128(numerator)
        let divisor = Int128(denominator)
        var (quotient, remainder) = product.quotientAndRemainder(dividingBy: divisor)
        let twice = remainder.magnitude * 2
        if twice > divisor.magnitude || (twice == divisor.magnitude && quotient % 2 != 0) { quotient += product < 0 ? -1 : 1 }
        guard quotient.magnitude <= Int128(Money.largest.micros).magnitude else { return nil }
        return Money(micros: Int64(quotient))
    }
}
