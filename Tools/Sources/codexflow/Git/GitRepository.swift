import CodexCore
import Foundation

/// A git repository with a commit.
struct GitRepository: Sendable {
    /// The top folder of the work tree, or the bare repository.
    let path: String
    /// The hash of the commit that is checked out.
    let head: String
    /// The hash of the commit to which the first parents lead from the head.
    ///
    /// It is the first commit of the repository, or of the part that a shallow clone has. It is
    /// `nil` if git cannot read the way to it.
    let first: String?
    let identity: GitIdentity

    /// Reads what identifies the repository at a path.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if there is no such folder or no git;
    ///   ``CodexError/Code/invalidArgument`` if the folder is not the top of a repository, or the
    ///   repository has no commits.
    init(_ path: String) throws {
        self.path = path
        try Self.requireTop(path)
        head = try Self.head(path)
        let root = try Self.output(
            ["rev-list", "--first-parent", "--max-parents=0", "HEAD", "--"], in: path)
        first = root.flatMap { GitCommit.isHash($0) ? $0 : nil }
        let isShallow = try Self.output(["rev-parse", "--is-shallow-repository"], in: path)
        let url = try Self.output(["config", "--get", "remote.origin.url"], in: path)
        identity = GitIdentity(
            root: isShallow == "false" ? first : nil,
            remote: url.flatMap { GitIdentity.place(ofRemote: $0) })
    }

    /// Whether the repository has one of some commits, on a branch or left over from one.
    ///
    /// - Throws: ``CodexError/Code/inputOutput`` if git fails.
    func hasCommit(among hashes: [String]) throws -> Bool {
        // git refuses digits of the other kind of hash.
        let known = Set(hashes.filter { $0.utf8.count == head.utf8.count })
        guard !known.isEmpty else { return false }
        // The head is listed in any case, since git refuses an empty list.
        let answer = try GitProcess(
            ["rev-list", "--no-walk", "--ignore-missing", head] + known.sorted() + ["--"], in: path
        ).answer()
        guard answer.isSuccess else { throw Self.unreadable(answer.complaint) }
        return answer.text.split(separator: "\n").contains { known.contains(String($0)) }
    }

    /// The error of a repository that git cannot read.
    static func unreadable(_ complaint: GitProcess.Complaint) -> CodexError {
        CodexError(
            .inputOutput,
            "git could not read the whole history. Check the repository with git fsck; git 2.31 is "
                + "the oldest that will do.", cause: complaint)
    }

    /// What a short command of git prints; `nil` if it fails.
    private static func output(_ arguments: [String], in path: String) throws -> String? {
        let answer = try GitProcess(arguments, in: path).answer()
        return answer.isSuccess ? answer.text : nil
    }

    /// Refuses a path that is not the top of a repository.
    private static func requireTop(_ path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
            isDirectory.boolValue
        else {
            throw CodexError(
                .notFound, "There is no folder \(path). Name a git repository's folder.")
        }
        let top = try GitProcess(["rev-parse", "--show-cdup"], in: path).answer()
        guard top.isSuccess else {
            throw CodexError(
                .invalidArgument,
                "\(path) is no repository that git can read. Name the folder that holds .git, or a "
                    + "bare repository.", cause: top.complaint)
        }
        guard top.text.isEmpty else {
            throw CodexError(
                .invalidArgument,
                "\(path) is a folder inside of a repository. Name the repository's top folder.")
        }
    }

    /// The commit that is checked out.
    private static func head(_ path: String) throws -> String {
        let command = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]
        guard let hash = try output(command, in: path), GitCommit.isHash(hash) else {
            throw CodexError(
                .invalidArgument,
                "The repository \(path) has no commits on the branch that is checked out. Commit "
                    + "first, or check out another branch.")
        }
        return hash
    }
}
