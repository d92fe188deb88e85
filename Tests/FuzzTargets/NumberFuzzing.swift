internal import CodexCore

extension FuzzTarget {
    /// Numbers: text both ways, order and arithmetic, against a slow decimal.
    static let numbers = FuzzTarget(
        "numbers", words: ["e", "E-", "e+", ".", "-", "000000000", "999999999", "e125", "e-130"],
        seeds: NumberFuzzing.seeds, check: NumberFuzzing.check)
}

private enum NumberFuzzing {
    static func seeds() -> [[UInt8]] {
        [
            "0 -0", "1 1", "-1 2.5", "9.9e125 1e125", "1e-130 -1e-130", "12345678901234567890 0.1",
            "99999999999999999999999999999999999999 1", "1e38 1", "1.0000 +1",
            "-9223372036854775808 1", "9223372036854775807 9223372036854775807",
            "0.000000000000000000001 1e-21", "1e 1", ". 1",
            "1e40 -1e3", "100000000000000000000000000000000000000000 5e-90", "0e999999999 7",
        ].map { Array($0.utf8) }
    }

    static func check(_ bytes: [UInt8]) {
        let texts = String(decoding: bytes, as: UTF8.self).split(
            separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        var pairs: [(number: Number, slow: SlowDecimal)] = []
        for text in texts.map({ String($0) }) {
            let (parsed, expected) = (try? Number(parsing: text), SlowDecimal(text))
            require((parsed == nil) == (expected == nil), "\(text) is a number or is none")
            guard let number = parsed, let slow = expected else { continue }
            checkText(number, slow)
            pairs.append((number, slow))
        }
        guard pairs.count == 2 else { return }
        let (left, right) = (pairs[0], pairs[1])
        require((left.number == right.number) == (left.slow == right.slow), "equality is of values")
        require(
            (left.number < right.number) == left.slow.isBelow(right.slow), "order is of values")
        checkSum(left, right)
        checkSum(left, (right.number.negated, right.slow.negated))
    }

    /// The text of a number is plain, is of the value, and is read back.
    private static func checkText(_ number: Number, _ slow: SlowDecimal) {
        let text = number.description
        require(SlowDecimal(text) == slow, "\(text) is the value")
        require((try? Number(parsing: text)) == number, "\(text) is read back")
        require(
            text.utf8.allSatisfy { $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "+") },
            "\(text) has no exponent")
        require(number.isNegative == slow.isNegative, "\(text) has the sign")
        require(number.negated.negated == number, "\(text) is negated twice")
        var writer = JSONWriter()
        writer.quoted(number)
        require(writer.text == "\"\(text)\"", "\(text) is the same in JSON")
        require(number.int64.map { String($0) == text } ?? true, "\(text) is its integer")
        var bytes: [UInt8] = []
        ValueCodec.append(.number(number), topLevel: true, to: &bytes)
        let decoded = try? ValueCodec.decode(bytes.span, 0, bytes.count)
        require(decoded == .number(number), "\(text) is encoded and decoded")
    }

    /// The sum is exact, or refused where a number has not enough digits.
    private static func checkSum(
        _ left: (number: Number, slow: SlowDecimal), _ right: (number: Number, slow: SlowDecimal)
    ) {
        let expected = left.slow.adding(right.slow)
        let sum = try? left.number.adding(right.number)
        require((sum != nil) == expected.isInRange, "a sum is refused out of range only")
        require(
            sum.map { SlowDecimal($0.description) == expected } ?? true, "a sum is exact")
        require((try? left.number.subtracting(right.number.negated)) == sum, "so is a difference")
        var total = NumberSum()
        total.add(left.number)
        total.add(right.number)
        require((try? total.number()) == sum, "a running sum is the sum")
        total.add(left.number, isRemoval: true)
        require((try? total.number()) == right.number, "a summand is taken out again")
    }
}
