import CodexCore
import Foundation

/// An author or committer of a commit.
struct GitPerson: Sendable {
    var name: String
    var email: String
}

/// A commit from `git log`; text that is not UTF-8 has replacement characters.
struct GitCommit: Sendable {
    /// The hash in hexadecimal digits.
    var hash: String
    var parentCount: Int
    var author: GitPerson
    /// The time of authoring; `nil` if the date is unreadable (``GitHistory/date(_:_:)``).
    var authored: Date?
    var committer: GitPerson
    /// The time of the commit; `nil` as with `authored`.
    var committed: Date?
    /// The first paragraph of the message, in one line.
    var subject: String
    /// The paragraphs after the first one.
    var body: String
    /// The first ``GitFolders/countMax`` top-level folders of the changed files, in byte order.
    ///
    /// A merge is compared with its first parent.
    var folders: [String]

    /// Whether a text has the form of a hash: the hexadecimal digits of SHA-1 or SHA-256.
    static func isHash(_ text: some StringProtocol) -> Bool {
        [40, 64].contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
            }
    }
}

/// The commits of the branch that is checked out in a repository, parents before children.
///
/// They are read from a running `git log`, in memory bounded by the largest commit. Names and
/// addresses are those in the commits: no mailmap is applied.
final class GitHistory {
    /// The most bytes of a message, name or path that are kept: one more than an item can have.
    static let fieldByteCountMax = DynamoDBLimits.itemByteCountMax + 1

    /// The format of a commit's fields, in their order.
    private static let fields = [
        "%H", "%P", "%an", "%ae", "%at", "%ad", "%cn", "%ce", "%ct", "%cd", "%s", "%b",
    ]

    private let process: GitProcess
    private var reader: GitFieldReader
    /// The mark before each commit; it is random for each reading, so that no file name can imitate
    /// it.
    private let boundary: [UInt8]
    private var isAtCommit = false

    /// Starts to read the commits.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if there is no git.
    init(_ repository: GitRepository) throws {
        let boundary = UUID().uuidString
        let format = "tformat:" + ([boundary] + Self.fields).joined(separator: "%x00")
        process = try GitProcess(
            [
                "log", "--topo-order", "--reverse", "-z", "--name-only", "--no-renames",
                "--diff-merges=first-parent", "--no-ext-diff", "--no-textconv", "--no-relative",
                "--ignore-submodules=none", "--no-mailmap", "--no-notes", "--no-color",
                "--encoding=UTF-8", "--date=raw", "--format=" + format, "HEAD", "--",
            ], in: repository.path)
        self.boundary = Array(boundary.utf8)
        reader = GitFieldReader(process.output)
    }

    /// The next commit, or `nil` after the last.
    ///
    /// - Throws: ``CodexError/Code/inputOutput`` if git failed, or its output ended early or is not
    ///   in the requested format.
    func next() throws -> GitCommit? {
        if !isAtCommit {
            guard let field = try reader.next() else {
                try finish()
                return nil
            }
            guard field == boundary else { throw Self.unexpected() }
        }
        isAtCommit = false
        var header: [String] = []
        for _ in Self.fields {
            guard let field = try reader.next() else { break }
            header.append(String(decoding: field, as: UTF8.self))
        }
        var folders = GitFolders()
        var isFirst = true
        while let field = try reader.next() {
            if field == boundary {
                isAtCommit = true
                break
            }
            // git writes one line feed between a commit's fields and its files.
            let feed = isFirst && field.first == UInt8(ascii: "\n") ? 1 : 0
            folders.insert(field.dropFirst(feed))
            isFirst = false
        }
        if !isAtCommit { try finish() }
        return try Self.commit(header, folders)
    }

    /// Ends git if it still runs.
    func close() { process.stop() }

    private func finish() throws {
        let (isSuccess, complaint) = process.finish()
        guard isSuccess else { throw GitRepository.unreadable(complaint) }
    }

    private static func commit(_ header: [String], _ folders: GitFolders) throws -> GitCommit {
        guard header.count == fields.count, GitCommit.isHash(header[0]) else { throw unexpected() }
        return GitCommit(
            hash: header[0], parentCount: header[1].split(separator: " ").count,
            author: GitPerson(name: header[2], email: header[3]),
            authored: date(header[4], header[5]),
            committer: GitPerson(name: header[6], email: header[7]),
            committed: date(header[8], header[9]),
            subject: header[10], body: header[11], folders: folders.names)
    }

    /// The last second of the year 9999.
    private static let lastSecond: Int64 = 253_402_300_799
    /// The last year with four digits.
    private static let yearMax: Int64 = 9999

    /// The instant of a date in a commit; `nil` if the date is unreadable.
    ///
    /// A readable date is from 1970 to 9999, since git has no earlier ones, and no stored date is
    /// later. Its offset from UTC is one that git itself takes as input: less than 24 hours, with
    /// less than 60 minutes. Of a date such as `2024-02-30`, git reads the year as seconds and the
    /// month as the minutes of an offset. So the first hours of 1970 need an offset as time zones
    /// have it, in quarters of an hour.
    ///
    /// - Parameters:
    ///   - seconds: The seconds since 1970 as they are in the commit; empty if they are malformed.
    ///   - raw: The seconds and the offset as git reads them, as in `1700000000 -0330`.
    /// - Returns: The instant; `nil` for a date that git would not write.
    static func date(_ seconds: String, _ raw: String) -> Date? {
        guard let seconds = Int64(seconds), (0...lastSecond).contains(seconds),
            let offset = raw.split(separator: " ").last.flatMap({ Int($0) }),
            abs(offset / 100) < 24, abs(offset % 100) < 60,
            seconds > yearMax || offset % 100 % 15 == 0
        else { return nil }
        return Date(timeIntervalSince1970: Double(seconds))
    }

    private static func unexpected() -> CodexError {
        CodexError(
            .inputOutput,
            "git log did not print what it was asked for. Use another release of git.")
    }
}

/// The top-level folders of files, each once: the first ones in byte order.
struct GitFolders {
    /// The most folders that are kept.
    static let countMax = 19
    /// The most bytes of a name that are kept; longer names are cut.
    static let nameByteCountMax = 255

    private(set) var names: [String] = []

    /// Adds the first folder of a path; `.` for a file without a folder.
    mutating func insert(_ path: ArraySlice<UInt8>) {
        let folder = path.firstIndex(of: UInt8(ascii: "/")).map { path[..<$0] }
        let name = folder.map { String(decoding: $0, as: UTF8.self) } ?? "."
        insert(name.prefix(byteCount: Self.nameByteCountMax))
    }

    private mutating func insert(_ name: String) {
        let place = names.firstIndex { !$0.utf8.lexicographicallyPrecedes(name.utf8) }
        if let place, names[place].utf8.elementsEqual(name.utf8) { return }
        names.insert(name, at: place ?? names.endIndex)
        if names.count > Self.countMax { names.removeLast() }
    }
}

/// Reads fields that end with NUL, in memory bounded by the longest field that is kept.
private struct GitFieldReader {
    private let handle: FileHandle
    private var chunk: [UInt8] = []
    private var position = 0

    init(_ handle: FileHandle) { self.handle = handle }

    /// The first ``GitHistory/fieldByteCountMax`` bytes of the next field, or `nil` at the end.
    ///
    /// A field without its end is not returned.
    mutating func next() throws -> [UInt8]? {
        var field: [UInt8] = []
        while true {
            if position == chunk.count {
                guard let data = try handle.read(upToCount: 1 << 16), !data.isEmpty else {
                    return nil
                }
                (chunk, position) = (Array(data), 0)
            }
            let end = chunk[position...].firstIndex(of: 0)
            let part = chunk[position..<(end ?? chunk.count)]
            field += part.prefix(GitHistory.fieldByteCountMax - field.count)
            position = end.map { $0 + 1 } ?? chunk.count
            if end != nil { return field }
        }
    }
}

extension String {
    /// The longest prefix of at most `count` UTF-8 bytes that ends with a whole scalar.
    func prefix(byteCount count: Int) -> String {
        guard utf8.count > count else { return self }
        var end = utf8.index(startIndex, offsetBy: count)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
