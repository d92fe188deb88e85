import ArgumentParser
import CodexCore
import CodexStore
import Foundation

#if Encryption
    struct KeysCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "keys",
            abstract: "Makes and changes the file with the keys of encrypted fields.",
            discussion: """
                Keep the file apart from stores and their backups, and keep a copy. Without it, the \
                encrypted fields cannot be read. To replace a key, run `keys rotate`, then `reseal` \
                for each store, then `keys remove` for the old key.
                """,
            subcommands: [Create.self, List.self, Rotate.self, Remove.self])

        struct Create: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Makes a file with one new key.")

            @OptionGroup var keys: KeyFileOption

            func run() throws {
                let path = try keys.requiredPath()
                guard !FileManager.default.fileExists(atPath: path) else {
                    throw CodexError(
                        .invalidArgument,
                        "\(path) exists. `codexflow keys rotate` adds a key to it.")
                }
                Console.print(try FileKeyProvider(at: path, mayCreate: true).currentKeyID)
            }
        }

        struct List: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Prints the keys' identifiers, oldest first.")

            @OptionGroup var keys: KeyFileOption

            func run() throws {
                let keys = try keys.required()
                let current = try keys.currentKeyID
                for id in try keys.keyIDs {
                    Console.print(id == current ? "\(id) current" : id)
                }
            }
        }

        struct Rotate: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Adds a key. Later writes encrypt fields with it.")

            @OptionGroup var keys: KeyFileOption

            func run() throws { Console.print(try keys.required().rotate()) }
        }

        struct Remove: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Removes a key for good.",
                discussion: """
                    Values that are encrypted with it can never be read again. Reseal all stores \
                    first. Backups, and changes that consumers have not read, may still need the key.
                    """)

            @OptionGroup var keys: KeyFileOption

            @Argument(help: "The key's identifier.")
            var id: String

            func run() throws { try keys.required().remove(keyID: id) }
        }
    }

    struct Reseal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Encrypts all values of encrypted fields with the current key, plain ones too.",
            discussion: """
                The store's schema names the fields. If the command is interrupted, run it again: it \
                goes on with the rest. Items whose fields cannot be opened are left as they are and \
                are listed, and the exit code is 1. The log and backups keep the earlier values.

                Encrypted values are bound to their store: exported, they open in no other one. To \
                move items to a store with the same keys, run `reseal --portable` here, `export`, and \
                `import` there. Then bind the values again, with `reseal` in both stores.
                """)

        @Argument(help: "The store's directory.")
        var store: String

        @Flag(help: "Bind the values to no store, so that they open in others with the same keys.")
        var portable = false

        @OptionGroup var keys: KeyFileArguments

        func validate() throws {
            if portable, keys.boundOnly {
                throw ValidationError("Give one of --portable and --bound-only.")
            }
        }

        func run() async throws {
            try keys.require()
            var options = StoreOptions()
            if portable { options.sealedFieldBinding = .portable }
            let opened = try keys.openForWriting(store, options: options)
            defer { opened.close() }
            let report = try await opened.reseal { report in
                Console.progress("\(report.examinedCount) items")
            }
            Console.endProgress()
            for failure in report.failures { Console.report(failure) }
            Console.print("\(report.migratedCount) items resealed, \(report.failureCount) refused")
            if report.failureCount > 0 { throw ExitCode(1) }
        }
    }
#else
    /// The command `keys` in a program without encryption.
    struct KeysCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "keys",
            abstract: "Makes and changes the file with keys (not in this build).")

        @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

        func run() throws {
            throw CodexError.builtWithoutEncryption(.keyUnavailable, "encrypted fields")
        }
    }

    /// The command `reseal` in a program without encryption.
    struct Reseal: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Encrypts all values of encrypted fields (not in this build).")

        @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

        func run() throws {
            throw CodexError.builtWithoutEncryption(.keyUnavailable, "encrypted fields")
        }
    }
#endif

extension Console {
    /// Reports an item that could not be rewritten, and the reason.
    static func report(_ failure: MigrationReport.Failure) {
        let key = [failure.key.partition] + (failure.key.sort.map { [$0] } ?? [])
        report("\(DynamoDBJSON.plainText(["key": .list(key)])): \(failure.error.message)")
    }
}
