/// Reads the events of one process.
package struct HistoryReader {
    /// A line that is no event.
    package struct Malformed: Error, CustomStringConvertible {
        /// The line's number, from 1 on.
        package let line: Int
        package var description: String { "line \(line) of a history is no event" }
    }

    private let bytes: [UInt8]
    private var place = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The events of a file's bytes.
    ///
    /// What follows the last end of a line is ignored: the process was killed while it wrote it.
    package static func events(_ bytes: [UInt8]) throws(Malformed) -> [HistoryEvent] {
        let whole = (bytes.lastIndex(of: newline) ?? -1) + 1
        var reader = HistoryReader(bytes)
        var events: [HistoryEvent] = []
        while reader.place < whole {
            guard let event = reader.event() else { throw Malformed(line: events.count + 1) }
            events.append(event)
        }
        return events
    }

    // MARK: Tokens

    private static let newline = UInt8(ascii: "\n")
    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let open = UInt8(ascii: "[")
    private static let close = UInt8(ascii: "]")
    private static let beginning = Array("{\"event\":\"".utf8)
    private static let time = Array("\",\"time\":".utf8)
    private static let operation = Array(",\"operation\":".utf8)
    private static let process = Array(",\"process\":".utf8)
    private static let form = Array(",\"form\":\"".utf8)
    private static let steps = Array("\",\"steps\":[".utf8)
    private static let code = Array(",\"code\":\"".utf8)
    private static let free = Array(",\"free\":".utf8)
    private static let end = Array("}\n".utf8)
    private static let append = Array("[\"append\",".utf8)
    private static let read = Array("[\"read\",".utf8)
    private static let null = Array("null".utf8)

    /// Passes a text; returns whether it comes next.
    private mutating func take(_ text: [UInt8]) -> Bool {
        guard place + text.count <= bytes.count else { return false }
        for offset in 0..<text.count where bytes[place + offset] != text[offset] { return false }
        place += text.count
        return true
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private mutating func number() -> Int? {
        let isNegative = take(UInt8(ascii: "-"))
        let first = place
        var number = 0
        while place < bytes.count, case let digit = bytes[place] &- UInt8(ascii: "0"), digit < 10 {
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, isTooLarge) = product.addingReportingOverflow(Int(digit))
            guard !overflow, !isTooLarge else { return nil }
            number = sum
            place += 1
        }
        guard place > first else { return nil }
        return isNegative ? -number : number
    }

    /// The rest of a text, up to its quote, which is not passed.
    private mutating func word() -> String {
        let first = place
        while place < bytes.count, bytes[place] != Self.quote, bytes[place] != Self.newline {
            place += 1
        }
        return String(decoding: bytes[first..<place], as: UTF8.self)
    }

    // MARK: Events

    private mutating func event() -> HistoryEvent? {
        guard take(Self.beginning), let kind = HistoryEvent.Kind(rawValue: word()), take(Self.time),
            let time = number(), take(Self.operation), let operation = number(),
            take(Self.process), let process = number(), take(Self.form)
        else { return nil }
        let form = word()
        guard take(Self.steps), let steps = allSteps() else { return nil }
        var code: String?
        if take(Self.code) {
            code = word()
            guard take(Self.quote) else { return nil }
        }
        var freeByteCount: Int?
        if take(Self.free) {
            guard let count = number() else { return nil }
            freeByteCount = count
        }
        guard take(Self.end) else { return nil }
        return HistoryEvent(
            kind, at: time, operation: operation, process: process, form: form, steps: steps,
            code: code, freeByteCount: freeByteCount)
    }

    private mutating func allSteps() -> [MicroOperation]? {
        var steps: [MicroOperation] = []
        while !take(Self.close) {
            if !steps.isEmpty, !take(Self.comma) { return nil }
            guard let step = step() else { return nil }
            steps.append(step)
        }
        return steps
    }

    private mutating func step() -> MicroOperation? {
        if take(Self.append) {
            guard let key = number(), take(Self.comma), let value = number(), take(Self.close)
            else { return nil }
            return .append(key: key, value: value)
        }
        guard take(Self.read), let key = number(), take(Self.comma) else { return nil }
        if take(Self.null) { return take(Self.close) ? .read(key: key, list: nil) : nil }
        guard take(Self.open), let list = list(), take(Self.close) else { return nil }
        return .read(key: key, list: list)
    }

    private mutating func list() -> [Int]? {
        var list: [Int] = []
        while !take(Self.close) {
            if !list.isEmpty, !take(Self.comma) { return nil }
            guard let value = number() else { return nil }
            list.append(value)
        }
        return list
    }
}
