#if Remote
    internal import CodexCore

    /// Sources of AWS's tools that are set up on the machine, and that the client does not have.
    ///
    /// Without it, the client would take a later source, which gives another identity: in a
    /// container of EKS, the role of the node in place of that of the service account.
    struct UnsupportedCredentials: CredentialsProvider {
        let files: SharedFiles

        private static let tokenFile = "AWS_WEB_IDENTITY_TOKEN_FILE"

        /// Nothing: a later source may give credentials.
        ///
        /// A profile that was named comes before tokens of web identities, as in AWS's tools.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable`` if the environment has the token of
        ///   a web identity.
        func credentials() async throws -> AWSCredentials? {
            guard files.environment.text(Self.tokenFile) != nil, !files.isNamed else { return nil }
            throw CodexError.noCredentials(
                "\(Self.tokenFile) is set, as by IAM roles for service accounts (IRSA), and this "
                    + "client takes no tokens of web identities. Use EKS Pod Identity, put a key "
                    + "into the environment (aws configure export-credentials), or give the "
                    + "client a CredentialsProvider of your own. Without the variable, the client "
                    + "takes the next source.")
        }
    }

    extension UnsupportedCredentials: CustomReflectable {
        /// A mirror without children: the environment has secrets.
        var customMirror: Mirror { Mirror(self, children: [:]) }
    }
#endif
