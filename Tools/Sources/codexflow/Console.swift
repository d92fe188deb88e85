import CodexCore
import Foundation
import TextTable

/// The output of the program.
///
/// No other code writes to standard output or standard error, apart from exports and records. So no
/// text that others wrote controls a terminal: see `TerminalText.swift`.
enum Console {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    // MARK: Standard error

    /// Writes to standard error; text that cannot be written (because of a full disk) is lost.
    ///
    /// `FileHandle.write(_:)` ends the process if the write fails.
    private static func errors(_ bytes: String.UTF8View) {
        try? FileHandle.standardError.write(contentsOf: Data(bytes))
    }

    /// Writes a line to standard error.
    static func report(_ text: String) {
        endProgress()
        errors("codexflow: \(text.printable())\n".utf8)
    }

    /// Writes the usage of a command, or the like, to standard error.
    static func report(lines text: String) {
        endProgress()
        errors("\(text.printable(keepsLines: true))\n".utf8)
    }

    /// Writes a progress line, which the next one overwrites; only on a terminal.
    static func progress(_ text: String) {
        guard isErrorTerminal else { return }
        errors("\r\u{1B}[K\(text.printable())".utf8)
    }

    static func endProgress() {
        guard isErrorTerminal else { return }
        errors("\r\u{1B}[K".utf8)
    }

    // MARK: Standard output

    /// Prints a line of text.
    static func print(_ line: String) { Swift.print(line.printable()) }

    /// Prints text with the line feeds that it has.
    ///
    /// Parts of it that others wrote must be printable already, or their line feeds begin lines.
    static func print(lines text: String) { Swift.print(text.printable(keepsLines: true)) }

    /// Prints JSON.
    static func print(json text: String) { Swift.print(text.printableJSON) }

    /// Writes a line of text or of JSON at once, also into a pipe.
    ///
    /// - Throws: The errors of the system.
    static func send(_ line: String, isJSON: Bool) throws {
        let text = isJSON ? line.printableJSON : line.printable()
        try FileHandle.standardOutput.write(contentsOf: Data("\(text)\n".utf8))
    }

    /// Writes bytes that are no text.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument`` if a terminal would get them, and the errors
    ///   of the system.
    static func send(_ bytes: [UInt8]) throws {
        guard !isTerminal else {
            throw CodexError(
                .invalidArgument,
                "The output is binary, and not for a terminal. Write it into a file or a pipe.")
        }
        try FileHandle.standardOutput.write(contentsOf: Data(bytes))
    }

    // MARK: Tables

    /// Prints rows under titles; columns in `right` are aligned to the right.
    static func table(_ titles: [String], _ rows: [[String]], right: Set<Int> = []) {
        guard !rows.isEmpty else { return }
        let table = TextTable<[String]> { row in
            titles.enumerated().map { index, title in
                Column(
                    title: title.printable(), value: row[index].printable(),
                    align: right.contains(index) ? .right : .left)
            }
        }
        table.print(rows, style: Style.psql)
    }

    /// Prints an item as rows of names and values.
    static func item(_ item: Item) {
        Self.table(["attribute", "value"], item.map { [$0.name, brief($0.value, 90)] })
    }

    /// Prints items as rows; the columns are the most common attributes, keys first.
    static func items(_ items: [Item], keys: [String]) {
        var counts: [String: Int] = [:]
        for item in items { for name in item.names { counts[name, default: 0] += 1 } }
        let others = counts.keys.filter { !keys.contains($0) && !$0.hasPrefix("GSI") }
            .sorted { (-(counts[$0] ?? 0), $0) < (-(counts[$1] ?? 0), $1) }
        let columns = keys + others.prefix(5)
        table(
            columns,
            items.map { item in columns.map { name in item[name].map { brief($0, 32) } ?? "" } })
    }

    private static func brief(_ value: AttributeValue, _ width: Int) -> String {
        let text =
            switch value {
            case .string(let text): text
            case .number(let number): number.description
            case .bool(let flag): flag ? "true" : "false"
            case .null: "null"
            default: String(DynamoDBJSON.plainText(["": value]).dropFirst(4).dropLast())
            }
        let line = text.map { $0.isNewline ? " " : $0 }
        return line.count <= width ? String(line) : String(line.prefix(width - 1)) + "…"
    }

    /// A value in one line.
    static func text(value: AttributeValue) -> String { brief(value, 60) }

    /// A duration in a suitable unit.
    static func text(_ duration: Duration) -> String {
        let nanoseconds =
            Double(duration.components.seconds) * 1e9
            + Double(duration.components.attoseconds) / 1e9
        func rounded(_ value: Double) -> String { String(format: "%.1f", value) }
        if nanoseconds < 1e6 { return rounded(nanoseconds / 1e3) + " µs" }
        if nanoseconds < 1e9 { return rounded(nanoseconds / 1e6) + " ms" }
        return rounded(nanoseconds / 1e9) + " s"
    }

    /// A number of bytes in a suitable unit.
    static func text(bytes: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (Double(bytes), 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        return unit == 0 ? "\(bytes) B" : String(format: "%.1f %@", value, units[unit])
    }
}
