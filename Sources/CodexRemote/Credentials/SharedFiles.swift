#if Remote
    internal import CodexCore
    internal import Foundation

    /// The two shared files of AWS's tools, and the profile that the environment names.
    struct SharedFiles: Sendable {
        /// The variables of the process.
        let environment: [String: String]
        private let profile: String?
        private let read: @Sendable (String) throws -> [UInt8]?

        /// Creates the files; nothing is read yet.
        ///
        /// - Parameters:
        ///   - environment: The variables of the process.
        ///   - profile: The profile; `nil` is that of `AWS_PROFILE`, or `default`.
        ///   - read: Reads a file; it returns `nil` if the file does not exist.
        init(
            environment: [String: String], profile: String? = nil,
            read: @escaping @Sendable (String) throws -> [UInt8]? = { try SharedFiles.content($0) }
        ) {
            self.environment = environment
            self.profile = profile
            self.read = read
        }

        /// The settings of a profile.
        struct Settings: Sendable {
            fileprivate(set) var values: [String: String] = [:]
            /// The endpoint of DynamoDB in the section that the profile names.
            fileprivate(set) var serviceEndpoint: String?
            /// Whether one of the files has the profile.
            fileprivate(set) var isFound = false

            /// The value of a setting that is not empty.
            subscript(name: String) -> String? { values.text(name) }
        }

        /// The name of the profile.
        var profileName: String { profile ?? environment.text("AWS_PROFILE") ?? "default" }

        /// Whether a profile was asked for by its name.
        var isNamed: Bool { profile != nil || environment.text("AWS_PROFILE") != nil }

        /// The settings of the profile; those of the file of credentials come first.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable`` if a file cannot be read.
        func settings() throws(CodexError) -> Settings {
            let config = try file("AWS_CONFIG_FILE", "config")
            let credentials = try file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
            var settings = Settings()
            // Without the word `profile`, a section of this file is a profile only as the default.
            let own = config["profile \(profileName)"]
            let configured = own ?? (profileName == "default" ? config["default"] : nil)
            let secret = credentials[profileName]
            settings.isFound = configured != nil || secret != nil
            settings.values = (configured ?? [:]).merging(secret ?? [:]) { $1 }
            if let name = settings["services"], let services = config["services \(name)"] {
                settings.serviceEndpoint = services.text("dynamodb.endpoint_url")
            }
            return settings
        }

        private func file(_ variable: String, _ name: String) throws(CodexError) -> ProfileFile {
            guard let path = path(variable, name) else { return ProfileFile() }
            let content: [UInt8]?
            do {
                content = try read(path)
            } catch {
                throw CodexError.noCredentials(
                    "The file of \(name) cannot be read. Look at \(variable), and at the "
                        + "permissions of the file.",
                    cause: error)
            }
            guard let content else { return ProfileFile() }
            return try ProfileFile(parsing: content, name: name)
        }

        /// The content of a file, or `nil` if there is none.
        func content(at path: String) throws -> [UInt8]? { try read(path) }

        private func path(_ variable: String, _ name: String) -> String? {
            let home = environment.text("HOME")
            guard let path = environment.text(variable) else {
                return home.map { "\($0)/.aws/\(name)" }
            }
            guard path.hasPrefix("~/"), let home else { return path }
            return home + path.dropFirst()
        }

        /// The content of a file of the system, or `nil` if there is none.
        static func content(_ path: String) throws -> [UInt8]? {
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        }
    }

    /// Credentials in the files `~/.aws/credentials` and `~/.aws/config`.
    ///
    /// The variables `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` name other files, and
    /// `AWS_PROFILE` another profile than `default`. A profile that gets its key from a service or
    /// a program is refused: by `sso_session`, `login_session` or `credential_process`, say. A key
    /// in it comes before these settings. A profile with `role_arn` is always refused: its key
    /// would be another identity than the role.
    public struct SharedFileCredentials: CredentialsProvider {
        private let files: SharedFiles

        /// Settings of a profile that gets its credentials from a service or a program.
        private static let foreign = [
            "credential_process", "credential_source", "login_session", "source_profile",
            "sso_session", "sso_start_url", "web_identity_token_file",
        ]
        /// The setting of a role, which AWS's tools take even if the profile has a key.
        private static let role = "role_arn"

        /// Creates the source.
        ///
        /// - Parameters:
        ///   - profile: The profile; `nil` is that of `AWS_PROFILE`, or `default`.
        ///   - environment: The variables; `nil` is those of the process.
        public init(profile: String? = nil, environment: [String: String]? = nil) {
            files = SharedFiles(
                environment: environment ?? ProcessInfo.processInfo.environment, profile: profile)
        }

        init(_ files: SharedFiles) { self.files = files }

        /// The credentials; `nil` if neither file has the default profile, or if it has no key.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable`` if a file cannot be read, if a
        ///   profile that was named does not exist or has no key, if its key is incomplete, or if
        ///   it gets its credentials from a service or a program.
        public func credentials() async throws -> AWSCredentials? {
            let settings = try files.settings()
            if settings[Self.role] != nil { throw Self.unsupported(Self.role) }
            let id = settings["aws_access_key_id"]
            let secret = settings["aws_secret_access_key"]
            if let id, let secret {
                return AWSCredentials(
                    accessKeyID: id, secretAccessKey: secret,
                    sessionToken: settings["aws_session_token"])
            }
            guard id == nil, secret == nil else {
                throw CodexError.noCredentials(
                    "The profile has a part of a key. Write aws_access_key_id and "
                        + "aws_secret_access_key.")
            }
            if let setting = Self.foreign.first(where: { settings[$0] != nil }) {
                throw Self.unsupported(setting)
            }
            guard files.isNamed else { return nil }
            throw CodexError.noCredentials(
                settings.isFound
                    ? "The profile that was named has no key. Write aws_access_key_id and "
                        + "aws_secret_access_key."
                    : "The shared files do not have the profile that was named. Correct the name.")
        }

        private static func unsupported(_ setting: String) -> CodexError {
            .noCredentials(
                "The profile gets its credentials by \(setting), which this client does not do. "
                    + "Put a key into the environment (aws configure export-credentials), or give "
                    + "the client a CredentialsProvider of your own.")
        }
    }

    extension SharedFileCredentials: CustomReflectable {
        /// A mirror without children: the environment has secrets.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }
#endif
