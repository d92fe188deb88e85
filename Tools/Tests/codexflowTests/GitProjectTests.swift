import CodexCore
import Foundation
import Testing

@testable import codexflow

/// The project that gets the commits of a repository.
@Suite("codexflow import --git, projects")
struct GitProjectTests {
    let scene: GitScene

    init() throws { scene = try GitScene() }

    /// A repository with one commit, which is named after its path.
    private func repository(_ name: String) throws -> TestRepository {
        let repository = try scene.repository(name)
        try repository.commit(name)
        return repository
    }

    @Test("Repositories whose folders have the same name are different projects, each time")
    func sameName() throws {
        let names = ["x/app", "y/app", "z/app"]
        let repositories = try names.map { try repository($0) }
        let projects = ["app", "app-2", "app-3"]
        for (repository, project) in zip(repositories, projects) {
            try scene.expectImport(repository.path, into: project, new: 1, known: 0)
        }
        for (repository, project) in zip(repositories, projects).reversed() {
            try repository.commit("more")
            try scene.expectImport(repository.path, into: project, new: 1, known: 1)
            try repository.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "most")
            try scene.expectImport(repository.path, into: project, new: 1, known: 1, absent: 1)
        }
        for (name, project) in zip(names, projects) {
            #expect(try scene.titles(project) == [name, "more", "most"])
            #expect(try scene.numbers(project) == [1, 2, 3])
        }
    }

    @Test("A repository that is moved, renamed, copied or cloned keeps its project")
    func moved() throws {
        let first = try repository("app")
        try scene.expectImport(first.path, into: "app", new: 1, known: 0)
        let moved = TestRepository(at: scene.path("renamed"))
        try FileManager.default.moveItem(atPath: first.path, toPath: moved.path)
        try moved.commit("two")
        try scene.expectImport(moved.path, into: "app", new: 1, known: 1)
        try moved.git("clone", "--quiet", "--bare", moved.path, scene.path("mirror.git"))
        try scene.expectImport(scene.path("mirror.git"), into: "app", new: 0, known: 2)
        // The free name is that of another repository now.
        let other = try scene.repository("app")
        try other.commit("other")
        try scene.expectImport(other.path, into: "app-2", new: 1, known: 0)
        try scene.expectImport(moved.path, into: "app", new: 0, known: 2)
    }

    @Test("A fork in a folder of another name is a project of its own")
    func forked() throws {
        let first = try repository("app")
        try first.git("remote", "add", "origin", "https://example.org/team/app.git")
        try scene.expectImport(first.path, into: "app", new: 1, known: 0)
        let fork = TestRepository(at: scene.path("fork"))
        try first.git("clone", "--quiet", first.path, fork.path)
        // Until it has a remote on another machine, it is a clone.
        try scene.expectImport(fork.path, into: "app", new: 0, known: 1)
        try fork.git("remote", "set-url", "origin", "git@example.org:ada/app")
        try fork.commit("forked")
        try scene.expectImport(fork.path, into: "fork", new: 2, known: 0)
        try scene.expectImport(first.path, into: "app", new: 0, known: 1)
        // Another address of a repository of the same name is no fork: it has moved.
        try first.git("remote", "set-url", "origin", "https://example.net/team/app")
        try first.commit("moved")
        try scene.expectImport(first.path, into: "app", new: 1, known: 1)
    }

    @Test("A shallow clone is the repository that has one of its commits, or its remote")
    func shallow() throws {
        let whole = try repository("app")
        for name in ["two", "three"] { try whole.commit(name) }
        let shallow = TestRepository(at: scene.path("clones/app"))
        try whole.git("clone", "--quiet", "--depth", "1", "file://\(whole.path)", shallow.path)
        try scene.expectImport(shallow.path, into: "app", new: 1, known: 0)
        try scene.expectImport(whole.path, into: "app", new: 2, known: 1)
        try shallow.git("fetch", "--quiet", "--deepen", "1")
        try scene.expectImport(shallow.path, into: "app", new: 0, known: 2, absent: 1)
        // A clone that has none of the stored commits is another repository without a remote.
        for name in ["four", "five"] { try whole.commit(name) }
        let later = TestRepository(at: scene.path("later/app"))
        try whole.git("clone", "--quiet", "--depth", "1", "file://\(whole.path)", later.path)
        try scene.expectImport(later.path, into: "app-2", new: 1, known: 0)
        try whole.git("remote", "add", "origin", "https://example.org/team/app.git")
        try scene.expectImport(whole.path, into: "app", new: 2, known: 3)
        let newest = TestRepository(at: scene.path("newest/other"))
        try whole.commit("six")
        try whole.git("clone", "--quiet", "--depth", "1", "file://\(whole.path)", newest.path)
        try newest.git("remote", "set-url", "origin", "git@example.org:team/app")
        try scene.expectImport(newest.path, into: "app", new: 1, known: 0, absent: 5)
    }

    @Test("A history that has no stored commit any more is another repository, if no remote tells")
    func replaced() throws {
        let first = try repository("r")
        try scene.expectImport(first.path, into: "r", new: 1, known: 0)
        try first.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten")
        try first.forgetOldCommits()
        try scene.expectImport(first.path, into: "r-2", new: 1, known: 0)
        // The option overrules what is found.
        try first.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "again")
        try first.forgetOldCommits()
        try scene.expectImport(
            first.path, into: "r", new: 1, known: 0, absent: 1, options: ["--project", "r"])
        try scene.expectImport(first.path, into: "r", new: 0, known: 1, absent: 1)
    }

    @Test("A remote tells that a replaced history is of the same repository")
    func sameRemote() throws {
        let first = try repository("r")
        try first.git("remote", "add", "origin", "https://ada:secret@example.org/team/r.git")
        try scene.expectImport(first.path, into: "r", new: 1, known: 0)
        let exported = try scene.base.run("export", scene.store).output
        #expect(exported.contains("example.org/team/r") && !exported.contains("secret"))
        let second = try repository("elsewhere/other")
        try second.git("remote", "add", "origin", "ssh://git@example.org/team/r")
        try scene.expectImport(second.path, into: "r", new: 1, known: 0, absent: 1)
    }

    @Test("A project of the services with the folder's name takes the commits")
    func services() throws {
        let made = try scene.base.run(
            "task", "init", "--store", scene.store, "--project", "engine", "--as", "ada",
            "--email", TestRepository.email, "--project-key", "ENG")
        #expect(made.code == 0, "\(made.errors)")
        let added = try scene.base.run(
            "task", "add", "Plan", "--store", scene.store, "--project", "engine", "--as", "ada")
        #expect(added.code == 0, "\(added.errors)")
        let first = try repository("engine")
        try scene.expectImport(first.path, into: "engine", new: 1, known: 0)
        #expect(try scene.titles("engine") == ["Plan", "engine"])
        let second = try repository("other/engine")
        try scene.expectImport(second.path, into: "engine-2", new: 1, known: 0)
    }

    @Test("Several repositories may be one project, if it is named")
    func together() throws {
        let repositories = try ["x/app", "y/library"].map { try repository($0) }
        for (count, repository) in repositories.enumerated() {
            try scene.expectImport(
                repository.path, into: "all", new: 1, known: 0, absent: count,
                options: ["--project", "all"])
        }
        for repository in repositories {
            try repository.commit("more")
            let outcome = try scene.importing(repository.path)
            #expect(outcome.output.hasPrefix("1 new commits of 1 people stored in project all, 1 "))
        }
        #expect(try scene.numbers("all") == [1, 2, 3, 4])
    }

    @Test("Imports at the same time, of repositories with one name, are several projects")
    func concurrent() throws {
        let repositories = try (1...4).map { try repository("\($0)/app") }
        let imports = try repositories.map {
            try GitScene.start(["import", scene.store, "--git", $0.path])
        }
        for process in imports {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        let found = try ["app", "app-2", "app-3", "app-4"].flatMap { try scene.titles($0) }
        #expect(found.sorted() == (1...4).map { "\($0)/app" })
    }

    @Test("The option for the project is one of git imports, and takes an identifier")
    func usage() throws {
        let first = try repository("r")
        #expect(try scene.base.run("import", scene.store, "--project", "r").code == 64)
        let refused = try scene.importing(first.path, "--project", "a#b")
        #expect(refused.code == 1 && refused.errors.contains("[invalidIdentifier]"))
    }

    // MARK: Parts

    @Test("A remote's place has no user, password, scheme, query or ending")
    func places() {
        for url in [
            "https://example.org/team/app.git", "https://example.org/team/app",
            "https://ada@example.org/team/app/", "https://ada:p@ss@EXAMPLE.org/team//app.git",
            "http://example.org/team/app.git?token=x#y", "ssh://git@example.org/team/app.git",
            "git://example.org/team/app", "git@example.org:team/app.git",
            "example.org:/team/app", "example.org:team/app/",
        ] {
            #expect(GitIdentity.place(ofRemote: url) == "example.org/team/app", "\(url)")
        }
        #expect(
            GitIdentity.place(ofRemote: "http://localhost:3000/a") == "localhost:3000/a")
        for url in [
            "", "/srv/git/app.git", "../app", "./a:b", "file:///srv/app.git", "https://example.org",
            "https:///a", "https://example.org/", ":a", "a:", "https://example.org/a\u{1B}b",
            "https://example.org/a b", "https://example.org/" + String(repeating: "a", count: 1000),
        ] {
            #expect(GitIdentity.place(ofRemote: url) == nil, "\(url)")
        }
    }

    @Test("Repositories are the same by their remote, or else by their first commit")
    func identities() {
        typealias Identity = GitIdentity
        let (a, b) = (Identity(root: "1", remote: "x"), Identity(root: "1", remote: "y"))
        #expect(a.isSame(as: a) && !a.isSame(as: b) && !b.isSame(as: a))
        #expect(a.isSame(as: Identity(root: "2", remote: "x")))
        #expect(a.isSame(as: Identity(root: nil, remote: "x")))
        #expect(a.isSame(as: Identity(root: "1", remote: nil)))
        #expect(Identity(root: "1", remote: nil).isSame(as: b))
        #expect(!a.isSame(as: Identity(root: "2", remote: nil)))
        #expect(!Identity().isSame(as: Identity()))
    }

    @Test("A record keeps what is new about a repository, for a bounded number of them")
    func records() throws {
        var record = GitRecord("r")
        func isNew(_ root: String?, _ remote: String?) -> Bool {
            record.insert(GitIdentity(root: root, remote: remote))
        }
        #expect(!isNew(nil, nil))
        #expect(isNew("1", nil))
        #expect(!isNew("1", nil))
        #expect(isNew("1", "x"))
        #expect(!isNew("1", nil))
        #expect(!isNew(nil, "x"))
        #expect(record.repositories == [GitIdentity(root: "1", remote: "x")])
        #expect(isNew("2", "x"))
        for number in 3...(GitRecord.countMax + 1) { #expect(isNew("\(number)", nil)) }
        #expect(record.repositories.count == GitRecord.countMax)
        #expect(record.repositories.first == GitIdentity(root: "2", remote: "x"))
        let read = try #require(GitRecord(record.item))
        #expect(read.project == record.project && read.repositories == record.repositories)
        #expect(GitRecord(["projectId": "a#b"]) == nil)
        #expect(GitRecord(["projectId": "a", "repositories": ["x"]])?.repositories == [])
    }
}
