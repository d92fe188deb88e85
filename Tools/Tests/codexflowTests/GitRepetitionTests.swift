import Foundation
import Testing

/// `codexflow import --git` again: after rewritten histories, merges, and tasks in between.
@Suite("codexflow import --git, repeated")
struct GitRepetitionTests {
    let scene: GitScene

    init() throws { scene = try GitScene() }

    @Test("After an amendment, the new commit comes in, and the old one stays")
    func amended() throws {
        let repository = try scene.repository("r")
        try repository.commit("one")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 0)
        try repository.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "changed")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 0, absent: 1)
        try repository.commit("two")
        try repository.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "second")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 1, absent: 1)
        #expect(try scene.titles("r") == ["one", "changed", "second"])
        #expect(try scene.numbers("r") == [1, 2, 3])
    }

    @Test("After a rebase, the commits with new hashes come in")
    func rebased() throws {
        let repository = try scene.repository("r")
        try repository.commit("root")
        try repository.git("checkout", "--quiet", "-b", "feature")
        for name in ["a", "b"] { try repository.commit(name) }
        try scene.expectImport(repository.path, into: "r", new: 3, known: 0)
        try repository.git("checkout", "--quiet", "main")
        try repository.commit("main")
        try repository.git("checkout", "--quiet", "feature")
        try repository.git("rebase", "--quiet", "--keep-empty", "main")
        try scene.expectImport(repository.path, into: "r", new: 3, known: 1, absent: 2)
        try repository.git("checkout", "--quiet", "main")
        try scene.expectImport(repository.path, into: "r", new: 0, known: 2, absent: 4)
        #expect(try scene.numbers("r") == Array(1...6))
        #expect(try scene.titles("r") == ["root", "a", "b", "main", "a", "b"])
    }

    @Test("A history that is rewritten from its first commit on stays in the project")
    func rewritten() throws {
        let repository = try scene.repository("r")
        for name in ["one", "two"] { try repository.commit(name) }
        try scene.expectImport(repository.path, into: "r", new: 2, known: 0)
        try repository.git("checkout", "--quiet", "--orphan", "fresh")
        for name in ["first", "second"] { try repository.commit(name) }
        try repository.git("branch", "-D", "main")
        try scene.expectImport(repository.path, into: "r", new: 2, known: 0, absent: 2)
        // The record knows the new first commit, so the old commits are not needed any more.
        try repository.forgetOldCommits()
        try scene.expectImport(repository.path, into: "r", new: 0, known: 2, absent: 2)
    }

    @Test("A merge of main into a branch, and main set to it, moves the places of commits")
    func merged() throws {
        let repository = try scene.repository("r")
        try repository.commit("root")
        try repository.git("branch", "feature")
        try repository.commit("main")
        try scene.expectImport(repository.path, into: "r", new: 2, known: 0)
        try repository.git("checkout", "--quiet", "feature")
        try repository.commit("feature")
        try repository.git("merge", "--quiet", "--no-ff", "-m", "merge", "main")
        try repository.git("checkout", "--quiet", "main")
        try repository.git("merge", "--quiet", "--ff-only", "feature")
        try scene.expectImport(repository.path, into: "r", new: 2, known: 2)
        #expect(try scene.titles("r") == ["root", "main", "feature", "merge"])
        #expect(try scene.tasks("r").last?.labels == ["merge"])
    }

    @Test("Branches that merge each other crosswise, and a merged foreign history")
    func crossed() throws {
        let repository = try scene.repository("r")
        try repository.commit("root")
        try repository.git("branch", "other")
        let left = try repository.commit("left")
        try repository.git("checkout", "--quiet", "other")
        let right = try repository.commit("right")
        try repository.git("merge", "--quiet", "--no-ff", "-m", "right merges", left)
        try scene.expectImport(repository.path, into: "r", new: 4, known: 0)
        try repository.git("checkout", "--quiet", "main")
        try repository.git("merge", "--quiet", "--no-ff", "-m", "left merges", right)
        try scene.expectImport(repository.path, into: "r", new: 1, known: 3, absent: 1)
        try repository.git("merge", "--quiet", "--no-ff", "-m", "both", "other")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 5)
        // Its first commit is not the first one by the first parents.
        let foreign = try scene.repository("library")
        try foreign.commit("library")
        try repository.git("fetch", "--quiet", foreign.path, "main")
        try repository.git(
            "merge", "--quiet", "--allow-unrelated-histories", "-m", "subtree", "FETCH_HEAD")
        try scene.expectImport(repository.path, into: "r", new: 2, known: 6)
        try scene.expectImport(foreign.path, into: "library", new: 1, known: 0)
        try scene.expectImport(repository.path, into: "r", new: 0, known: 8)
        #expect(try scene.numbers("r") == Array(1...8))
    }

    @Test("Tasks of the services and of raw writes in between keep their numbers")
    func numbers() throws {
        let repository = try scene.repository("r")
        let first = try repository.commit("one")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 0)
        try scene.addTask("planned", to: "r")
        try repository.commit("two")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 1)
        try scene.addTask("later", to: "r")
        #expect(try scene.titles("r") == ["one", "planned", "two", "later"])
        // The next number is taken, and so is one above it, without a change of the sequence.
        let item = try scene.base.run("get", scene.store, "PROJECT#r", "TASK#\(first)").output
        for (id, number) in [("raw5", 5), ("raw8", 8)] {
            let copy = item.replacing(first, with: id).replacing(
                #""number":{"N":"1"}"#, with: #""number":{"N":"\#(number)"}"#)
            try #require(copy.contains(#""number":{"N":"\#(number)"}"#))
            #expect(try scene.base.run("put", scene.store, input: copy).code == 0)
        }
        for name in ["three", "four"] { try repository.commit(name) }
        try scene.expectImport(repository.path, into: "r", new: 2, known: 2)
        try scene.addTask("last", to: "r")
        #expect(try scene.numbers("r") == [1, 2, 3, 4, 5, 8, 9, 10, 11])
        #expect(try scene.titles("r").suffix(3) == ["three", "four", "last"])
    }

    @Test("A task that was changed stays as it is; one that was deleted comes back")
    func changed() throws {
        let repository = try scene.repository("r")
        let hashes = try ["one", "two", "three"].map { try repository.commit($0) }
        try scene.expectImport(repository.path, into: "r", new: 3, known: 0)
        let changed = try scene.base.run(
            "update", scene.store, "PROJECT#r", "TASK#\(hashes[1])", "--expression",
            "SET #t = :t, #p = :p", "--names", ##"{"#t":"title","#p":"priority"}"##, "--values",
            #"{":t":{"S":"Two, reviewed"},":p":{"S":"high"}}"#)
        #expect(changed.code == 0, "\(changed.errors)")
        try scene.remove("PROJECT#r", "TASK#\(hashes[0])")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 2)
        #expect(try scene.titles("r") == ["Two, reviewed", "three", "one"])
        #expect(try scene.numbers("r") == [2, 3, 4])
    }

    @Test("An import that stopped after some commits continues with the rest")
    func interrupted() throws {
        let repository = try scene.repository("r")
        let hashes = try (1...6).map { try repository.commit("\($0)") }
        // What an import has stored that was stopped after its first batch.
        try repository.git("reset", "--quiet", "--hard", hashes[3])
        try scene.expectImport(repository.path, into: "r", new: 4, known: 0)
        try repository.git("reset", "--quiet", "--hard", hashes[5])
        // Version 0.2 wrote the sequence at the end, and no record.
        try scene.remove("PROJECT#r", "SEQUENCE#TASK")
        try scene.remove("PROJECT#r", "GIT")
        try scene.expectImport(repository.path, into: "r", new: 2, known: 4)
        #expect(try scene.titles("r") == (1...6).map { "\($0)" })
        #expect(try scene.numbers("r") == Array(1...6))
    }

    @Test("A project that is archived or in deletion takes no commits")
    func readOnly() throws {
        let repository = try scene.repository("r")
        try repository.commit("one")
        try scene.expectImport(repository.path, into: "r", new: 1, known: 0)
        try repository.commit("two")
        for (field, reason) in [("archivedAt", "is archived"), ("deletingSince", "being deleted")] {
            func update(_ expression: String, _ values: String...) throws {
                let updated = try scene.base.run(
                    ["update", scene.store, "PROJECT#r", "METADATA", "--expression", expression]
                        + values)
                #expect(updated.code == 0, "\(updated.errors)")
            }
            try update(
                "SET \(field) = :t", "--values", #"{":t":{"S":"2024-01-01T00:00:00.000Z"}}"#)
            let refused = try scene.importing(repository.path)
            #expect(refused.code == 1 && refused.errors.contains(reason), "\(refused.errors)")
            #expect(try scene.titles("r") == ["one"])
            try update("REMOVE \(field)")
        }
        try scene.expectImport(repository.path, into: "r", new: 1, known: 1)
    }
}
