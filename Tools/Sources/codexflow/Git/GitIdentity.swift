import CodexCore
import Foundation

/// What tells a git repository from others with the same folder's name.
struct GitIdentity: Sendable, Hashable {
    /// The hash of the first commit, to which the first parents lead; `nil` in a shallow clone,
    /// whose history begins later.
    var root: String?
    /// The place of the remote `origin` on another machine (``place(ofRemote:)``), if it has one.
    var remote: String?

    /// Whether it is known to be the same repository.
    ///
    /// Forks have the first commit in common, and differ in the remote.
    func isSame(as other: Self) -> Bool {
        if let remote, let theirs = other.remote { return remote == theirs }
        guard let root, let theirs = other.root else { return false }
        return root == theirs
    }

    /// Whether it has all that is known of another, and more.
    fileprivate func completes(_ other: Self) -> Bool {
        isSame(as: other) && (other.root == nil || other.root == root)
            && (other.remote == nil || other.remote == remote)
    }

    private static let remoteByteCountMax = 1000

    /// The host and the path in the URL of a remote, without scheme, user, password and `.git`.
    ///
    /// `https://ada@example.org/team/app.git` and `git@example.org:team/app` are the same place:
    /// `example.org/team/app`. It is `nil` for a folder of this machine, which may have another
    /// repository tomorrow.
    static func place(ofRemote url: String) -> String? {
        guard url.utf8.count <= remoteByteCountMax,
            url.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F })
        else { return nil }
        let authority: Substring
        let path: Substring
        if let mark = url.range(of: "://") {
            let rest = url[mark.upperBound...]
            guard url[..<mark.lowerBound].lowercased() != "file",
                let slash = rest.firstIndex(of: "/")
            else { return nil }
            (authority, path) = (rest[..<slash], rest[slash...])
        } else {
            // The short form of ssh has a colon before the first slash.
            guard let colon = url.firstIndex(of: ":"), !url[..<colon].contains("/") else {
                return nil
            }
            (authority, path) = (url[..<colon], url[url.index(after: colon)...])
        }
        let host = authority.split(separator: "@").last ?? ""
        var parts = path.prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
        guard !host.isEmpty, let last = parts.popLast() else { return nil }
        parts.append(last.hasSuffix(".git") ? last.dropLast(4) : last)
        return ([host.lowercased()] + parts.map(String.init)).joined(separator: "/")
    }
}

/// The repositories whose commits a project has.
///
/// The store keeps them as a raw item, `PROJECT#<id>` / `GIT`, found through GSI1 `GIT` /
/// `PROJECT#<id>`. It is removed with the project.
struct GitRecord: Sendable {
    /// The most repositories of a project; an import forgets the oldest.
    static let countMax = 100

    private static let name = "GIT"

    let project: CodexFlow.Project.ID
    private(set) var repositories: [GitIdentity] = []

    /// The record of a project without repositories.
    init(_ project: CodexFlow.Project.ID) { self.project = project }

    /// Reads the record of a project; parts that are damaged count as absent.
    init?(_ item: Item) {
        guard let text = item["projectId"]?.string, let id = try? CodexFlow.Project.ID(text) else {
            return nil
        }
        project = id
        repositories = (item["repositories"]?.list ?? []).suffix(Self.countMax).compactMap {
            guard let map = $0.map else { return nil }
            return GitIdentity(root: map["root"]?.string, remote: map["remote"]?.string)
        }
    }

    /// The stored item.
    var item: Item {
        let list = repositories.map { repository -> AttributeValue in
            var map = AttributeMap()
            map["root"] = repository.root.map { .string($0) }
            map["remote"] = repository.remote.map { .string($0) }
            return .map(map)
        }
        return [
            "PK": .string("PROJECT#\(project)"), "SK": .string(Self.name),
            "GSI1PK": .string(Self.name), "GSI1SK": .string("PROJECT#\(project)"),
            "projectId": .string(project.rawValue), "repositories": .list(list),
        ]
    }

    /// The key of the record of a project.
    static func key(of project: CodexFlow.Project.ID) -> PrimaryKey {
        PrimaryKey(.string("PROJECT#\(project)"), .string(name))
    }

    /// The query of all records, by project.
    static let all = TableQuery(
        table: CodexFlow.table, index: CodexFlow.Index.gsi1, partition: [.string(name)])

    /// Adds a repository.
    ///
    /// - Returns: Whether the record changed.
    mutating func insert(_ repository: GitIdentity) -> Bool {
        guard !repositories.contains(where: { $0.completes(repository) }),
            repository != GitIdentity()
        else { return false }
        repositories.removeAll { repository.completes($0) }
        repositories.append(repository)
        if repositories.count > Self.countMax { repositories.removeFirst() }
        return true
    }
}
