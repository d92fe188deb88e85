#if Remote
    internal import CodexCore
    internal import Foundation

    /// Credentials in the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`.
    public struct EnvironmentCredentials: CredentialsProvider {
        private let environment: [String: String]

        /// Creates the source.
        ///
        /// - Parameter environment: The variables; `nil` is those of the process.
        public init(_ environment: [String: String]? = nil) {
            self.environment = environment ?? ProcessInfo.processInfo.environment
        }

        /// The credentials; `nil` if the two variables of the key are not set.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable`` if one of the two is set alone.
        public func credentials() async throws -> AWSCredentials? {
            let id = environment.text("AWS_ACCESS_KEY_ID")
            let secret = environment.text("AWS_SECRET_ACCESS_KEY")
            if id == nil, secret == nil { return nil }
            guard let id, let secret else {
                throw CodexError.noCredentials(
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together. Set both.")
            }
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: secret,
                sessionToken: environment.text("AWS_SESSION_TOKEN"))
        }
    }

    extension EnvironmentCredentials: CustomReflectable {
        /// A mirror without children: the environment has secrets.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }
#endif
