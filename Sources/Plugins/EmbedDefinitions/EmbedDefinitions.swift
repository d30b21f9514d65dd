import Foundation
import PackagePlugin

/// Embeds SQL, migrations, `jobs/`, `queues/` and the API description into the target that asks for it (`embed` does the work).
///
/// The tool runs in **every** build and leaves unchanged files alone, so nothing is compiled again without need. Narrower is wrong with
/// SwiftPM 6.3: it plans again only when a target's own folder changes, so a list of files overlooks a new `jobs/x.json` and fails on a
/// removed one ("missing inputs"), and a folder as input is looked at as one inode, so a file written in place goes unnoticed.
/// What makes it run is the input `/proc/self`, which is another folder for every process that looks.
/// Outputs follow from the target's own folder alone, for the same reason: nothing in the plan may depend on what `jobs/` holds.
@main
struct EmbedDefinitions: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let module = target as? any SourceModuleTarget else { return [] }
        let root = context.package.directoryURL
        let output = context.pluginWorkDirectoryURL

        var kinds: [String] = []
        if hasFolder("SQL", below: module.directoryURL) { kinds.append("SQL") }
        if hasFolder("Migrations", below: module.directoryURL) { kinds.append("Migrations") }
        switch module.name {
        case "Engine": kinds.append("Definitions")
        case "Work": kinds.append("Handlers")
        case "API": kinds.append("OpenAPI")
        default: break
        }
        guard !kinds.isEmpty else { return [] }

        return [
            .buildCommand(
                displayName: "Embedding \(kinds.joined(separator: ", ")) into \(module.name)",
                executable: try context.tool(named: "embed").url,
                arguments: [module.name, module.directoryURL.path, root.path, output.path] + kinds,
                inputFiles: [URL(filePath: "/proc/self")],
                outputFiles: kinds.map { output.appending(path: "\(module.name)\($0).swift") }
            )
        ]
    }

    private func hasFolder(_ name: String, below directory: URL) -> Bool {
        let walk = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: [.isDirectoryKey], options: [.skipsHiddenFiles])
        while let url = walk?.nextObject() as? URL {
            if url.lastPathComponent == name, (try? url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory) == true { return true }
        }
        return false
    }
}
