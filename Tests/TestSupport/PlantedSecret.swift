internal import Foundation

/// Text that a test plants in a store, to look for in all that is made of it.
///
/// The search reads every byte of every file, and what the files have compressed. It looks for the
/// text as it is, in UTF-16, in Base64 and in hexadecimal digits. A search that finds nothing
/// proves something only if the same search found the secret where it should be.
public struct PlantedSecret: Sendable {
    private struct Pattern {
        let form: String
        let bytes: Data
    }

    /// The secret: letters and digits, which no form escapes.
    public let text: String
    private let patterns: [Pattern]

    /// Makes a secret that no other run has.
    public init() {
        let id = UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased()
        text = "secret" + id
        let units = Array(text.utf16)
        let low = units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let high = units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        patterns =
            Self.patterns(Data(text.utf8)) + [
                Pattern(form: "UTF-16", bytes: Data(low)),
                Pattern(form: "UTF-16, big-endian", bytes: Data(high)),
            ]
    }

    /// Looks for bytes of one's own, such as a digest.
    public init(bytes: [UInt8]) {
        text = bytes.map { Self.hex($0) }.joined()
        patterns = Self.patterns(Data(bytes))
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private static func patterns(_ bytes: Data) -> [Pattern] {
        let digits = bytes.map { hex($0) }.joined()
        var patterns = [Pattern(form: "as it is", bytes: bytes)]
        for text in [digits, digits.uppercased()] {
            patterns.append(Pattern(form: "hexadecimal", bytes: Data(text.utf8)))
        }
        for offset in 0..<3 {
            let text = base64(bytes, after: offset)
            patterns.append(Pattern(form: "Base64", bytes: Data(text.utf8)))
        }
        return patterns
    }

    /// What bytes are in Base64 that stand so many bytes after a group of three begins: the digits
    /// that follow from them alone.
    private static func base64(_ bytes: Data, after offset: Int) -> Substring {
        let digits = (Data(count: offset) + bytes).base64EncodedString()
        let first = (offset * 8 + 5) / 6
        let last = (offset + bytes.count) * 8 / 6
        return digits.prefix(last).dropFirst(first)
    }

    // MARK: Searching

    /// Where the secret is below files and directories: names of files, and the form that was
    /// found.
    ///
    /// - Throws: What reading throws; a path where nothing is, or a directory without files, is an
    ///   error.
    public func findings(in paths: String...) throws -> [String] {
        try paths.flatMap { try findings(below: $0) }
    }

    private func findings(below path: String) throws -> [String] {
        let name = URL(fileURLWithPath: path).lastPathComponent
        let files = try Self.files(below: path)
        if files.isEmpty { throw CocoaError(.fileNoSuchFile) }
        var found: [String] = []
        for file in files {
            let place = file.isEmpty ? path : path + "/" + file
            let shown = file.isEmpty ? name : name + "/" + file
            if file.contains(text) { found.append("\(shown): its name") }
            let contents = try Data(contentsOf: URL(fileURLWithPath: place))
            found += forms(in: contents, depth: 0).map { "\(shown): \($0)" }
        }
        return found
    }

    /// The plain files below a directory; of a file an empty name.
    private static func files(below path: String) throws -> [String] {
        guard isDirectory(path) else { return [""] }
        return try FileManager.default.subpathsOfDirectory(atPath: path).filter {
            !isDirectory(path + "/" + $0)
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        let isThere = unsafe FileManager.default.fileExists(
            atPath: path, isDirectory: &isDirectory)
        return isThere && isDirectory.boolValue
    }

    /// In which forms bytes have the secret.
    public func forms(in bytes: [UInt8]) -> [String] { forms(in: Data(bytes), depth: 0) }

    /// Compressed values in a compressed archive are two deep.
    private static let depthMax = 3

    private func forms(in data: Data, depth: Int) -> [String] {
        var found = patterns.filter { data.range(of: $0.bytes) != nil }.map(\.form)
        guard depth < Self.depthMax else { return found }
        for stream in CompressedStream.all(in: [UInt8](data)) {
            let inside = forms(in: Data(stream), depth: depth + 1)
            found += inside.map { "\($0), compressed" }
        }
        return found
    }
}
