// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.release;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/** What repositories ask of POMs, and that natives of all platforms are looked for before a release. */
class PomsTest {

    private static final Path ROOT = Path.of("..");

    private static Document pom(String folder) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(ROOT.resolve(folder).resolve("pom.xml").toFile());
    }

    private static List<String> texts(Document pom, String path) throws Exception {
        NodeList nodes = (NodeList) XPathFactory.newInstance().newXPath().evaluate(path, pom, XPathConstants.NODESET);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            texts.add(nodes.item(i).getTextContent().strip());
        }
        return texts;
    }

    @Test
    void the_parent_says_what_repositories_ask_for() throws Exception {
        Document parent = pom("");
        for (String element : List.of(
                "name",
                "description",
                "url",
                "licenses/license/name",
                "licenses/license/url",
                "developers/developer/name",
                "developers/developer/organization",
                "scm/connection",
                "scm/developerConnection",
                "scm/url")) {
            assertThat(texts(parent, "/project/" + element))
                    .as(element)
                    .hasSize(1)
                    .doesNotContain("");
        }
    }

    @Test
    void every_module_has_a_name_and_a_description_of_its_own() throws Exception {
        List<String> names = new ArrayList<>();
        List<String> descriptions = new ArrayList<>();
        for (String module : texts(pom(""), "/project/modules/module")) {
            Document pom = pom(module);
            assertThat(texts(pom, "/project/name")).as("name of " + module).hasSize(1);
            assertThat(texts(pom, "/project/description"))
                    .as("description of " + module)
                    .hasSize(1);
            names.addAll(texts(pom, "/project/name"));
            descriptions.addAll(texts(pom, "/project/description"));
        }
        assertThat(names).hasSizeGreaterThan(20).doesNotHaveDuplicates().doesNotContain("");
        assertThat(descriptions).doesNotHaveDuplicates().doesNotContain("");
    }

    @Test
    void natives_of_all_platforms_are_looked_for_and_listed() throws Exception {
        List<String> platforms = texts(pom(""), "/project/profiles/profile/properties/javacpp.platform");
        assertThat(platforms)
                .containsExactlyInAnyOrder(
                        "linux-x86_64", "linux-arm64", "macosx-x86_64", "macosx-arm64", "windows-x86_64");
        List<String> artifacts = texts(pom("backend-cpu"), "/project/dependencies/dependency[classifier]/artifactId");
        assertThat(artifacts).contains("openblas", "nd4j-native");
        List<String> expected = new ArrayList<>();
        for (String platform : platforms) {
            artifacts.forEach(artifact -> expected.add(artifact + " " + platform));
        }
        Document natives = pom("tools/release/natives");
        List<String> names = texts(natives, "//artifactItem/artifactId");
        List<String> classifiers = texts(natives, "//artifactItem/classifier");
        List<String> found = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            found.add(names.get(i) + " " + classifiers.get(i));
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(expected);
        String documentation = Files.readString(ROOT.resolve("docs/installation.md"));
        assertThat(documentation).contains(platforms).contains(artifacts);
    }

    @Test
    void modules_that_stay_here_are_kept_out_of_the_upload() throws Exception {
        Document parent = pom("");
        List<String> expected = new ArrayList<>();
        for (String module : texts(parent, "/project//modules/module")) {
            Document pom = pom(module);
            if (texts(pom, "/project/properties/maven.deploy.skip").contains("true")) {
                expected.addAll(texts(pom, "/project/artifactId"));
                assertThat(texts(pom, "/project/properties/gradle.metadata.phase"))
                        .as("gradle.metadata.phase of " + module + ", which is not deployed")
                        .containsExactly("none");
            }
        }
        assertThat(expected).hasSizeGreaterThan(2);
        assertThat(texts(parent, "//excludeArtifact")).containsAll(expected);
    }

    @Test
    void the_wrapper_brings_the_maven_that_release_plugins_need() throws Exception {
        assertThat(Files.readString(ROOT.resolve(".mvn/wrapper/maven-wrapper.properties")))
                .contains("distributionType=only-script")
                .containsPattern("apache-maven-3\\.9\\.\\d+-bin\\.zip");
        assertThat(Files.isExecutable(ROOT.resolve("mvnw"))).isTrue();
    }
}
