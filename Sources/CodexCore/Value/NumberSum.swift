/// An exact sum of numbers whose partial sums may need more digits than a number has.
///
/// A fixed-point number: limbs of nine digits that together reach from the lowest digit that a
/// number can have to beyond the highest. Limbs carry only at the end: 2^32 additions fit.
package struct NumberSum {
    private static let base: Int64 = 1_000_000_000
    private static let digitsPerLimb = 9
    /// The power of ten of the first limb's lowest digit: at most that of any number's.
    private static let lowest = -171
    private static let limbCount = 35

    private var limbs = [Int64](repeating: 0, count: limbCount)

    /// Creates a sum of nothing.
    package init() {}

    /// Adds a number, or takes it away.
    package mutating func add(_ number: Number, isRemoval: Bool = false) {
        let sign: Int64 = number.isNegative == isRemoval ? 1 : -1
        let distance = Int(number.exponent) - Self.lowest
        var limb = distance / Self.digitsPerLimb
        let scale = Int64(Number.powersOfTen[distance % Self.digitsPerLimb])
        var rest = number.magnitude
        while rest != 0 {
            let (quotient, piece) = rest.quotientAndRemainder(dividingBy: UInt128(Self.base))
            let (carry, digits) = (Int64(piece) * scale).quotientAndRemainder(dividingBy: Self.base)
            limbs[limb] += sign * digits
            limbs[limb + 1] += sign * carry
            limb += 1
            rest = quotient
        }
    }

    /// The sum.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if it needs more than 38 significant digits or
    ///   is out of range.
    package func number() throws(CodexError) -> Number {
        var (limbs, carry) = Self.carried(limbs)
        let isNegative = carry < 0
        if isNegative { (limbs, carry) = Self.carried(self.limbs.map(-)) }
        guard let first = limbs.lastIndex(where: { $0 != 0 }),
            let last = limbs.firstIndex(where: { $0 != 0 })
        else { return .zero }
        // Six limbs hold at least 46 digits; 38 of them begin no lower than the sixth.
        guard first - last < 6 else { throw Number.tooPrecise }
        var magnitude: UInt128 = 0
        var exponent = Self.lowest + last * Self.digitsPerLimb
        var lowest = limbs[last]
        while lowest % 10 == 0 { (lowest, exponent) = (lowest / 10, exponent + 1) }
        let dropped = exponent - Self.lowest - last * Self.digitsPerLimb
        for limb in limbs[last...first].reversed().dropLast() {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: UInt128(Self.base))
            let (sum, carries) = product.addingReportingOverflow(UInt128(limb))
            guard !overflow, !carries else { throw Number.tooPrecise }
            magnitude = sum
        }
        let (product, overflow) = magnitude.multipliedReportingOverflow(
            by: Number.powersOfTen[Self.digitsPerLimb - dropped])
        let (sum, carries) = product.addingReportingOverflow(UInt128(lowest))
        guard !overflow, !carries else { throw Number.tooPrecise }
        return try Number(negative: isNegative, magnitude: sum, exponent: exponent)
    }

    /// The limbs with digits from 0 to 9 only, and what is left beyond them: -1 for a negative sum.
    private static func carried(_ limbs: [Int64]) -> (limbs: [Int64], carry: Int64) {
        var limbs = limbs
        var carry: Int64 = 0
        for index in limbs.indices {
            let value = limbs[index] + carry
            let digits = (value % base + base) % base
            carry = (value - digits) / base
            limbs[index] = digits
        }
        return (limbs, carry)
    }
}
