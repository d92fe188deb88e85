import ArgumentParser
import CodexCore
import CodexStore
import Foundation

/// The file with the keys of encrypted fields.
struct KeyFileOption: ParsableArguments {
    /// The environment variable that names the file if no option does.
    static let variable = "CODEXFLOW_KEYS"

    @Option(
        help: "The file with the keys of encrypted fields; without it, CODEXFLOW_KEYS names one.")
    var keyFile: String?

    /// The file's path, if it is given.
    var path: String? {
        let named = keyFile ?? ProcessInfo.processInfo.environment[Self.variable]
        return named.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The file's path, for commands that need one.
    func requiredPath() throws(CodexError) -> String {
        guard let path else {
            throw CodexError(
                .keyUnavailable, "Name the file of keys: --key-file, or \(Self.variable).")
        }
        return path
    }

    #if Encryption
        /// The keys, for commands that need them.
        ///
        /// - Throws: ``CodexError/Code/keyUnavailable`` if no file is given, or if it has no keys.
        func required() throws(CodexError) -> FileKeyProvider {
            let path = try requiredPath()
            guard access(path, F_OK) == 0 || errno != ENOENT else {
                throw CodexError(
                    .keyUnavailable,
                    "There is no file of keys at \(path). Correct the path, or mount what it is "
                        + "on. For stores that have no keys yet, `codexflow keys create` makes one."
                )
            }
            return try FileKeyProvider(at: path)
        }
    #else
        /// Refuses commands that need keys.
        ///
        /// - Throws: ``CodexError/Code/keyUnavailable``.
        func required() throws(CodexError) {
            throw .builtWithoutEncryption(.keyUnavailable, "encrypted fields")
        }
    #endif
}

#if !Encryption
    extension CodexError {
        /// The error of what a program without the trait Encryption cannot do.
        ///
        /// - Parameters:
        ///   - code: The code.
        ///   - lacking: What the program lacks.
        /// - Returns: The error.
        static func builtWithoutEncryption(_ code: Code, _ lacking: String) -> CodexError {
            CodexError(
                code,
                "This program was built without \(lacking). `swift build --package-path Tools "
                    + "-c release --product codexflow` builds one that has them, and leaves it at "
                    + "Tools/.build/release/codexflow.")
        }
    }
#endif

/// The keys of encrypted fields, for the commands that open a store.
struct KeyFileArguments: ParsableArguments {
    @OptionGroup var keyFileOption: KeyFileOption

    @Flag(
        help: "Refuse plain values in encrypted fields. For stores whose values are all encrypted.")
    var requireSealed = false

    @Flag(
        help: """
            Refuse encrypted values that are bound to no store. For stores whose values are all \
            bound; needs the keys.
            """)
    var boundOnly = false

    /// Whether a key file is given.
    var hasKeys: Bool { keyFileOption.path != nil }

    /// Refuses a command that needs keys if there are none.
    ///
    /// - Throws: As ``KeyFileOption/required()``.
    func require() throws(CodexError) { _ = try keyFileOption.required() }

    /// Opens a store, with the keys if a key file is given.
    func open(
        _ store: String, schema: Schema? = nil, options: StoreOptions = StoreOptions()
    ) throws(CodexError) -> Store {
        try Store(at: store, schema: schema, options: try completed(options))
    }

    /// Opens a store for one command that writes, with the keys if a key file is given.
    ///
    /// The store keeps its history and its expired items. The programs that use the store decide
    /// how long they are kept, and the command does not know their options.
    func openForWriting(
        _ store: String, schema: Schema? = nil, options: StoreOptions = StoreOptions()
    ) throws(CodexError) -> Store {
        var options = options
        options.sweepInterval = nil
        options.changeRetention = ChangeRetention(
            age: .seconds(100 * 365 * 86_400), byteCount: .max)
        return try open(store, schema: schema, options: options)
    }

    /// Opens a store for reading, with the keys if a key file is given.
    func openForReading(_ store: String) throws(CodexError) -> Store {
        try open(store, options: StoreOptions(isReadOnly: true))
    }

    /// The options with the keys, and with the settings of the flags.
    private func completed(_ options: StoreOptions) throws(CodexError) -> StoreOptions {
        var options = options
        // Without keys, the store cannot check what a value is bound to.
        if hasKeys || boundOnly {
            #if Encryption
                options.encryptionKeys = try keyFileOption.required()
            #else
                try require()
            #endif
        }
        if requireSealed { options.requiresSealedFields = true }
        if boundOnly { options.sealedFieldBinding = .storeOnly }
        return options
    }
}
