import Codex
import CodexCore
import Foundation

// The conversion of git's data to CodexFlow's models.

extension CodexFlow.Task {
    private static let cutBodyByteCount = 64 << 10
    /// The most bytes of a title: a character may have any number of combining marks.
    private static let titleByteCountMax = 32 * CodexFlow.Limits.nameCountMax

    /// Creates a finished task from a commit; call ``cutToFit()`` before it is stored.
    ///
    /// It produces no event.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier``.
    init(
        _ commit: GitCommit, in project: CodexFlow.Project.ID, assignee: CodexFlow.User.ID
    ) throws(CodexError) {
        self.init(
            id: try ID(commit.hash), projectID: project,
            title: CodexFlow.Text.line(commit.subject), assigneeID: assignee, status: .done,
            createdAt: commit.authored)
        let end = commit.body.utf8.lastIndex { $0 != UInt8(ascii: "\n") }
        if let end { body = String(commit.body[...end]) }
        kind = Kind(commitSubject: commit.subject)
        completedAt = commit.committed
        isImport = true
        // Invalid labels are omitted.
        var probe = CodexFlow.Task(id: id, projectID: project, title: "-")
        labels = commit.folders.filter { folder in
            probe.labels = [folder]
            return (try? probe.validate()) != nil
        }
        if commit.parentCount > 1, !labels.contains("merge") {
            labels += ["merge"]
        }
    }

    /// Cuts a title to the limit of a task, and cuts a body beyond its limit to 64 KiB.
    ///
    /// A title without a visible character is replaced.
    ///
    /// - Returns: Whether anything was cut.
    mutating func cutToFit() -> Bool {
        var isCut = false
        if title.count > CodexFlow.Limits.nameCountMax {
            title = String(title.prefix(CodexFlow.Limits.nameCountMax))
            isCut = true
        }
        if title.utf8.count > Self.titleByteCountMax {
            title = title.prefix(byteCount: Self.titleByteCountMax)
            isCut = true
        }
        let probe = CodexFlow.Task(id: id, projectID: projectID, title: title)
        if (try? probe.validate()) == nil { title = "(no subject)" }
        if let body, body.utf8.count > CodexFlow.Limits.bodyByteCountMax {
            self.body = body.prefix(byteCount: Self.cutBodyByteCount)
            isCut = true
        }
        return isCut
    }
}

extension CodexFlow.Task.Kind {
    /// The kind in a subject such as `fix(parser): …`, in the manner of Conventional Commits.
    ///
    /// It is `nil` for other subjects. Upper and lower case are the same (Conventional Commits
    /// 1.0.0, 15).
    init?(commitSubject subject: String) {
        let head = subject.prefix { $0 != ":" }
        let word = head.prefix { $0 != "(" && $0 != "!" }
        guard head.endIndex != subject.endIndex else { return nil }
        switch word.lowercased() {
        case "fix": self = .bug
        case "feat": self = .feature
        case "build", "chore", "ci", "docs", "refactor", "style", "test": self = .chore
        default: return nil
        }
    }
}

extension CodexFlow.Project.ID {
    /// The most bytes of an identifier: keys have room for it beside those of users and tasks.
    private static let byteCountMax = 64

    /// The identifier of a repository's project: its folder's name without `.git`, with a number
    /// from 2 on if other repositories have the name.
    init(gitRepository path: String, number: Int = 1) throws(CodexError) {
        var url = URL(fileURLWithPath: path).standardizedFileURL
        if url.lastPathComponent == ".git" { url.deleteLastPathComponent() }
        if url.pathExtension == "git" { url.deletePathExtension() }
        let name = url.lastPathComponent.unicodeScalars.map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: "-"
            default: scalar == "#" || scalar == "/" ? "-" : Character(scalar)
            }
        }
        let suffix = number == 1 ? "" : "-\(number)"
        let byteCount = Self.byteCountMax - suffix.utf8.count
        try self.init(String(name).prefix(byteCount: byteCount) + suffix)
    }
}

extension CodexFlow.User {
    private static let emailByteCountMax = 200
    private static let replacementDomain = "@git.invalid"

    /// Creates the user of a commit; the identifier is the normalized email address.
    ///
    /// An address that breaks the model's rules, or exceeds 200 bytes, is replaced by one in the
    /// domain `git.invalid`.
    init(_ person: GitPerson) throws(CodexError) {
        let name = CodexFlow.Text.line(person.name).prefix(CodexFlow.Limits.nameCountMax)
        self.init(id: "none", email: "none" + Self.replacementDomain, name: String(name))
        if (try? validate()) == nil { self.name = "(no name)" }
        email = person.email
        let address = normalizedEmail
        if !Self.isUsable(address) {
            email = Self.replacement(address)
        } else if (try? validate()) == nil {
            email = address
        }
        id = try ID(normalizedEmail)
    }

    /// Addresses in the domain of replacements are also replaced; otherwise, two users could share
    /// one.
    private static func isUsable(_ address: String) -> Bool {
        let domain = replacementDomain.utf8
        return address.utf8.count <= emailByteCountMax
            && !address.utf8.suffix(domain.count).elementsEqual(domain)
            && (try? CodexFlow.User(id: "none", email: address, name: "-").validate()) != nil
    }

    /// The replacement of an address, which differs for different addresses.
    ///
    /// For long addresses, this holds as far as 128 bits of FNV-1a (Fowler, Noll and Vo) differ.
    private static func replacement(_ address: String) -> String {
        guard !address.isEmpty else { return "none~" + replacementDomain }
        var text = ""
        var digest: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
        for byte in address.utf8 {
            digest = (digest ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013B
            switch byte {
            case 0x30...0x39, 0x61...0x7A, 0x2B, 0x2D, 0x2E, 0x5F:  // 0-9 a-z + - . _
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += (byte < 0x10 ? "%0" : "%") + String(byte, radix: 16)
            }
        }
        // No other replacement contains a tilde.
        if text.utf8.count > 60 { text = text.prefix(24) + "~" + String(digest, radix: 16) }
        return text + replacementDomain
    }
}
