internal import Engine
internal import Glibc
internal import Lanes

/// The files of chaos: definitions whose retries are short, logs of what failed.
enum ChaosFolder {
    static func make(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw CommandFailure(.failure, "\(path) cannot be made") }
    }

    static func write(_ text: String, to path: String) throws {
        // A reader sees the old file or the new one; another process may write the same.
        let draft = "\(path).\(getpid())"
        guard let file = fopen(draft, "w") else { throw CommandFailure(.failure, "\(path) cannot be written") }
        let written = fputs(text, file)
        guard fclose(file) == 0, written >= 0, rename(draft, path) == 0 else { throw CommandFailure(.failure, "\(path) cannot be written") }
    }

    /// The embedded definitions; what is retried after minutes is retried after seconds, so that a run can wait for it.
    static func writeDefinitions(into folder: String) throws {
        for part in [folder, folder + "/jobs", folder + "/queues"] { try make(part) }
        for (file, text) in EmbeddedDefinitions.jobs {
            var text = text
            if file == "webhook.deliver.json" {
                text = text.replacing(/"backoff": \{[^}]*\}/, with: "\"backoff\": { \"delays\": [\"1s\", \"2s\"] }")
            } else if file.hasPrefix("plan.purchase") || file.hasPrefix("plan.extend") {
                text = text.replacing(/"cap": "[0-9a-z]+"/, with: "\"cap\": \"4s\"")
            }
            try write(text, to: "\(folder)/jobs/\(file)")
        }
        for (file, text) in EmbeddedDefinitions.queues { try write(text, to: "\(folder)/queues/\(file)") }
    }
}

/// Blocks this thread, which is none of Swift's pool.
func pauseThread(_ duration: Duration) { pause(duration) }
