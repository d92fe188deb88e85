#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Shared files of AWS's tools, with odd syntax.
    @Suite("Shared files")
    struct ProfileFileTests {
        private func file(_ text: String) throws -> ProfileFile {
            try ProfileFile(parsing: Array(text.utf8), name: "test")
        }

        @Test("Sections, spaces, comments, line ends and equals signs")
        func syntax() throws {
            let file = try file(
                "\u{FEFF}# comment\r\n[default]\r\nAWS_Access_Key_ID = ID\r\n"
                    + "aws_secret_access_key=a/b+c==   # comment\n\n; other\n"
                    + "[  profile   one ]  # comment\nregion\t=\teu-central-1\n"
                    + "key#=v#1;2\nnothing\n"
                    + "[profile \"two words\"]\nregion = x\n[default]\nregion = later\n")
            let first = try #require(file["default"])
            #expect(first["aws_access_key_id"] == "ID")
            #expect(first["aws_secret_access_key"] == "a/b+c==")
            #expect(first["region"] == "later")
            #expect(file["profile one"] == ["region": "eu-central-1", "key#": "v#1;2"])
            #expect(file["profile two words"] == ["region": "x"])
            #expect(file["one"] == nil)
        }

        @Test("Settings below a setting have both names")
        func nested() throws {
            let file = try file(
                """
                [services local]
                s3 =
                  endpoint_url = http://a
                dynamodb =
                  endpoint_url = http://localhost:8000
                region = x
                  inner = y
                """)
            #expect(
                file["services local"] == [
                    "s3": "", "s3.endpoint_url": "http://a", "dynamodb": "",
                    "dynamodb.endpoint_url": "http://localhost:8000", "region": "x", "inner": "y",
                ])
        }

        @Test("A file that is no text, or too long, is refused; any text is read")
        func limits() throws {
            #expect(throws: CodexError(.credentialsUnavailable, "")) {
                _ = try ProfileFile(parsing: [0xFF], name: "test")
            }
            for (count, isRead) in [(-1, true), (0, true), (1, false)] {
                let bytes = [UInt8](repeating: 0x61, count: ProfileFile.byteCountMax + count)
                #expect(((try? ProfileFile(parsing: bytes, name: "test")) != nil) == isRead)
            }
            let texts = [
                "", "[", "[]", "]", "=", "[a\nb=c", "a=b", "[\"]", "[ \" \" ]\na==", "\u{301}=",
            ]
            for text in texts {
                _ = try file(text)
            }
        }

        // MARK: Profiles

        /// The credentials of files with contents, by their paths.
        private func found(
            _ files: [String: String], _ environment: [String: String] = ["HOME": "/home/a"],
            profile: String? = nil
        ) async throws -> AWSCredentials? {
            try await SharedFileCredentials(
                SharedFiles(environment: environment, profile: profile) { path in
                    files[path].map { Array($0.utf8) }
                }
            ).credentials()
        }

        private static let key = "aws_access_key_id=ID\naws_secret_access_key=S\n"

        @Test("Profiles are found where AWS's tools find them")
        func profiles() async throws {
            let credentials = "/home/a/.aws/credentials"
            let config = "/home/a/.aws/config"
            #expect(try await found([:]) == nil)
            #expect(try await found([credentials: "[default]\n" + Self.key])?.accessKeyID == "ID")
            #expect(try await found([config: "[default]\n" + Self.key])?.accessKeyID == "ID")
            #expect(
                try await found([config: "[profile one]\n" + Self.key], profile: "one") != nil)
            #expect(
                try await found(
                    [credentials: "[one]\n" + Self.key], ["HOME": "/home/a", "AWS_PROFILE": "one"])
                    != nil)
            let token = try await found([
                config: "[default]\naws_session_token=OLD\naws_access_key_id=X\n",
                credentials: "[default]\n" + Self.key + "aws_session_token=NEW\n",
            ])
            #expect(token?.sessionToken == "NEW" && token?.accessKeyID == "ID")
            let other = try await found(
                ["/home/a/f": "[default]\n" + Self.key],
                ["HOME": "/home/a", "AWS_SHARED_CREDENTIALS_FILE": "~/f"])
            #expect(other?.accessKeyID == "ID")
            // Other settings do not matter beside a key.
            let both = try await found([
                config: "[default]\nlogin_session = arn\n",
                credentials: "[default]\n" + Self.key,
            ])
            #expect(both?.accessKeyID == "ID")
        }

        @Test("A profile that cannot give a key says why")
        func refusals() async throws {
            let path = "/home/a/.aws/credentials"
            let contents = [
                "[default]\naws_access_key_id=ID\n", "[default]\nrole_arn = r\n",
                "[default]\nsso_session = s\n", "[default]\ncredential_process = p\n",
                "[default]\nlogin_session = arn\n",
                // The key is the one that takes the role.
                "[default]\nrole_arn = r\nsource_profile = default\n" + Self.key,
            ]
            for content in contents {
                await #expect(throws: CodexError(.credentialsUnavailable, "")) {
                    _ = try await found([path: content])
                }
            }
            await #expect(throws: CodexError(.credentialsUnavailable, "")) {
                _ = try await found([path: "[default]\n" + Self.key], profile: "none")
            }
            // A section of this file without the word is no profile.
            await #expect(throws: CodexError(.credentialsUnavailable, "")) {
                _ = try await found(["/home/a/.aws/config": "[one]\n" + Self.key], profile: "one")
            }
        }
    }
#endif
