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
    /// The time of authoring; `nil` if git cannot read the date (before 1970, or malformed).
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
        "%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%s", "%b",
    ]

    private let process: GitProcess
    private var reader: GitFieldReader
    /// The mark before each commit; it is random for each reading, so that no file name can imitate
    /// it.
    private let boundary: [UInt8]
    private var isAtCommit = false

    /// Starts to read the commits.
    ///
    /// - Throws: As ``requireCommits(in:)``.
    init(repository: String) throws {
        try Self.requireCommits(in: repository)
        let boundary = UUID().uuidString
        let format = "tformat:" + ([boundary] + Self.fields).joined(separator: "%x00")
        process = try GitProcess(
            [
                "log", "--topo-order", "--reverse", "-z", "--name-only", "--no-renames",
                "--diff-merges=first-parent", "--no-ext-diff", "--no-textconv", "--no-relative",
                "--ignore-submodules=none", "--no-mailmap", "--no-notes", "--no-color",
                "--encoding=UTF-8", "--format=" + format, "HEAD", "--",
            ], in: repository)
        self.boundary = Array(boundary.utf8)
        reader = GitFieldReader(process.output)
    }

    /// Refuses a path that is not the top of a repository with a commit.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if there is no such folder or no git;
    ///   ``CodexError/Code/invalidArgument`` if the folder is not a repository, or has no commits.
    static func requireCommits(in repository: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: repository, isDirectory: &isDirectory),
            isDirectory.boolValue
        else {
            throw CodexError(
                .notFound, "There is no folder \(repository). Name a git repository's folder.")
        }
        let top = try GitProcess(["rev-parse", "--show-cdup"], in: repository).answer()
        guard top.isSuccess else {
            throw CodexError(
                .invalidArgument,
                "\(repository) is no repository that git can read. Name the folder that holds .git, "
                    + "or a bare repository.", cause: top.complaint)
        }
        guard top.text.isEmpty else {
            throw CodexError(
                .invalidArgument,
                "\(repository) is a folder inside of a repository. Name the repository's top folder."
            )
        }
        let head = try GitProcess(
            ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], in: repository
        ).answer()
        guard head.isSuccess else {
            throw CodexError(
                .invalidArgument,
                "The repository \(repository) has no commits on the branch that is checked out. "
                    + "Commit first, or check out another branch.")
        }
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
        guard !isSuccess else { return }
        throw CodexError(
            .inputOutput,
            "git could not read the whole history. Check the repository with git fsck; git 2.31 is "
                + "the oldest that will do.", cause: complaint)
    }

    private static func commit(_ header: [String], _ folders: GitFolders) throws -> GitCommit {
        guard header.count == fields.count, header[0].utf8.count >= 40,
            header[0].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { throw unexpected() }
        return GitCommit(
            hash: header[0], parentCount: header[1].split(separator: " ").count,
            author: GitPerson(name: header[2], email: header[3]), authored: date(header[4]),
            committer: GitPerson(name: header[5], email: header[6]), committed: date(header[7]),
            subject: header[8], body: header[9], folders: folders.names)
    }

    /// Seconds since 1970; the model clamps times after the year 9999.
    private static func date(_ text: String) -> Date? {
        Double(text).map { Date(timeIntervalSince1970: $0) }
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
