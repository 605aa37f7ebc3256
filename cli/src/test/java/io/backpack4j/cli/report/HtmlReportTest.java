// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {

    @TempDir
    private Path folder;

    @Test
    void text_cannot_leave_its_element_nor_pull_in_parts_of_the_page() {
        String page = HtmlReport.page(report("</script><script>alert(1)</script> /*LIBRARY*/"));
        assertThat(page).contains("\\u003c/script>\\u003cscript>alert(1)").doesNotContain("<script>alert");
        assertThat(page.split("</script>", -1)).hasSize(5);
        assertThat(page).contains("/*LIBRARY*/");
    }

    @Test
    void says_when_a_file_cannot_be_written() {
        Path file = folder.resolve("nowhere").resolve("page.html");
        assertThatThrownBy(() -> HtmlReport.write(report(""), file))
                .hasMessageStartingWith("[UnwritableFile] File '" + file + "' cannot be written: ");
    }

    @Test
    void numbers_are_rounded() {
        assertThat(Rounding.round(0.0123456)).isEqualTo(0.01235);
        assertThat(Rounding.round(Double.NaN)).isNaN();
    }

    @Test
    void ratios_of_directions_are_squared_means_over_variances() {
        // Two samples, two directions: slopes 1, 3 along the lesser and 2, 2 along the greater.
        double[] slopes = {1, 2, 3, 2};
        double[] curvatures = {0.5, 3, 1.5, 5};

        LeadingDirections directions = LeadingDirections.of(new double[] {0, 1, 1, 4}, slopes, curvatures, 2);

        assertThat(directions.trace()).isEqualTo(6);
        assertThat(directions.share()).isEqualTo(0.8333);
        assertThat(directions.rows())
                .containsExactly(new LeadingDirections.Row(1, 4, null, 8.0), new LeadingDirections.Row(2, 1, 2.0, 2.0));
    }

    private static Report report(String summary) {
        Curvature curvature = new Curvature(null, "", List.of(), "", List.of(), List.of(), "", null, "");
        return new Report(summary, List.of(), null, "", null, "", null, curvature, List.of(), List.of(), List.of());
    }
}
