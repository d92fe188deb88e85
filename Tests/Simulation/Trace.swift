/// What happened in a history, a line for each step, and a hash of all lines.
package struct Trace: Sendable {
    /// The lines, if they are kept.
    package private(set) var lines: [String] = []
    /// FNV-1a of all lines, with an end of line after each.
    package private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// How many lines there are.
    package private(set) var count = 0
    private let keepsLines: Bool
    /// The system numbers files differently in each run. These numbers are in the order of use.
    private var files: [UInt64: Int] = [:]

    /// Creates an empty trace.
    package init(keepingLines keepsLines: Bool = false) { self.keepsLines = keepsLines }

    /// Adds a line.
    package mutating func add(_ line: String) {
        count += 1
        hash = Self.hash(line + "\n", after: hash)
        if keepsLines { lines.append("\(count) \(line)") }
    }

    /// FNV-1a of a text, continued.
    static func hash(_ text: String, after start: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
        var hash = start
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }

    /// The number of a file that is the same in each run.
    mutating func number(of file: UInt64) -> Int {
        if let number = files[file] { return number }
        files[file] = files.count
        return files.count - 1
    }

    /// Forgets the files: those of a rebuilt disk have other numbers.
    mutating func forgetFiles() { files = [:] }
}
