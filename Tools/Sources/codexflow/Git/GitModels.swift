import CodexCore
import Foundation

// How what git knows becomes CodexFlow's models.

extension CodexFlow.Task {
    private static let cutBodyByteCount = 64 << 10

    /// A commit as a finished task.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier``.
    init(
        _ commit: GitCommit, in project: CodexFlow.Project.ID, assignee: CodexFlow.User.ID
    ) throws(CodexError) {
        self.init(
            id: try ID(commit.hash), projectID: project,
            title: commit.subject.contains { !$0.isWhitespace } ? commit.subject : "(no subject)",
            assigneeID: assignee, status: .done, createdAt: commit.authored)
        let end = commit.body.utf8.lastIndex { $0 != UInt8(ascii: "\n") }
        if let end { body = String(commit.body[...end]) }
        kind = Kind(commitSubject: commit.subject)
        completedAt = commit.committed
        // What no label may be is left out.
        var probe = CodexFlow.Task(id: id, projectID: project, title: "-")
        labels = commit.folders.filter { folder in
            probe.labels = [folder]
            return (try? probe.validate()) != nil
        }
        if commit.parentCount > 1, !labels.contains("merge") {
            labels += ["merge"]
        }
    }

    /// Cuts a title and to 64 KiB a body that are longer than a task's may be.
    ///
    /// - Returns: Whether anything was cut.
    mutating func cutToFit() -> Bool {
        var isCut = false
        if title.count > CodexFlow.Limits.nameCountMax {
            title = String(title.prefix(CodexFlow.Limits.nameCountMax))
            isCut = true
        }
        if let body, body.utf8.count > CodexFlow.Limits.bodyByteCountMax {
            self.body = body.prefix(byteCount: Self.cutBodyByteCount)
            isCut = true
        }
        return isCut
    }
}

extension CodexFlow.Task.Kind {
    /// The kind that a subject such as `fix(parser): …` names, in the manner of Conventional
    /// Commits; `nil` for other subjects.
    init?(commitSubject subject: String) {
        let head = subject.prefix { $0 != ":" }
        let word = head.prefix { $0 != "(" && $0 != "!" }
        guard head.endIndex != subject.endIndex else { return nil }
        switch word {
        case "fix": self = .bug
        case "feat": self = .feature
        case "build", "chore", "ci", "docs", "refactor", "style", "test": self = .chore
        default: return nil
        }
    }
}

extension CodexFlow.Project.ID {
    /// Longest identifier in bytes: keys have room for it beside those of users and tasks.
    private static let byteCountMax = 64

    /// The identifier of a repository's project: its folder's name without `.git`.
    init(gitRepository path: String) throws(CodexError) {
        var url = URL(fileURLWithPath: path).standardizedFileURL
        if url.lastPathComponent == ".git" { url.deleteLastPathComponent() }
        if url.pathExtension == "git" { url.deletePathExtension() }
        let name = url.lastPathComponent.unicodeScalars.map { scalar in
            scalar == "#" || scalar == "/" || scalar.properties.generalCategory == .control
                ? "-" : Character(scalar)
        }
        try self.init(String(name).prefix(byteCount: Self.byteCountMax))
    }
}

extension CodexFlow.User {
    private static let emailByteCountMax = 200
    private static let replacementDomain = "@git.invalid"

    /// The user whom a commit names; the identifier is the normalised e-mail address.
    ///
    /// Of an address that is none by the model's rules, or that is longer than 200 bytes, another one in
    /// the domain `git.invalid` is made.
    init(_ person: GitPerson) throws(CodexError) {
        let name = String(person.name.prefix(CodexFlow.Limits.nameCountMax))
        let hasName = name.contains { !$0.isWhitespace }
        self.init(id: "none", email: person.email, name: hasName ? name : "(no name)")
        let address = normalizedEmail
        if !Self.isUsable(address) {
            email = Self.replacement(address)
        } else if (try? validate()) == nil {
            email = address
        }
        id = try ID(normalizedEmail)
    }

    /// Addresses of the domain of replacements are replaced too, or one could be taken for another.
    private static func isUsable(_ address: String) -> Bool {
        let domain = replacementDomain.utf8
        return address.utf8.count <= emailByteCountMax
            && !address.utf8.suffix(domain.count).elementsEqual(domain)
            && (try? CodexFlow.User(id: "none", email: address, name: "-").validate()) != nil
    }

    /// Different addresses have different replacements; of long ones, as far as 128 bits of FNV-1a
    /// (Fowler, Noll and Vo) tell them apart.
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
        // The tilde is in no other replacement.
        if text.utf8.count > 60 { text = text.prefix(24) + "~" + String(digest, radix: 16) }
        return text + replacementDomain
    }
}
