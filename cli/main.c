/* xuelian: the command line. Each command is in a file of its own: cmd_NAME.c. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "version.h"

const struct command commands[] = {
    {"key", "make and show signing keys", "生成和查看签名密钥", command_key},
    {"network", "make a network for trials", "创建试用网络", command_network},
    {"genesis", "show and check a genesis file", "查看和检查创世文件", command_genesis},
    {"status", "ask nodes how they are", "查询节点状态", command_status},
    {"import", "deposit outcomes from tables", "从数据表批量存入学习成果", command_import},
    {"archive", "get a learner's archive with its proof", "获取学习者档案及其证明",
     command_archive},
    {"prove", "get proofs of records, transactions and validators", "获取记录、交易与验证者的证明",
     command_prove},
    {"token", "make a token with which another program reads", "生成供其他程序读取的令牌",
     command_token},
    {"tx", "make, sign and send any transaction", "生成、签名并发送任意交易", command_tx},
    {"gov", "propose changes and vote on them", "提出变更并表决", command_gov},
    {"evidence", "evidence against validators", "针对验证者的作恶证据", command_evidence},
    {"recovery", "replace validators that are lost for good", "替换永久丢失的验证者",
     command_recovery},
    {"verify", "check a proof offline", "离线验证证明", command_verify},
    {NULL, NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
    char name[] = "xuelian";
    if (argc < 1) {
        return EXIT_USAGE;
    }
    argv[0] = name;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("xuelian %s (%s)\n", XUELIAN_VERSION, XUELIAN_SOURCE);
        return EXIT_OK;
    }
    return command_dispatch(commands,
                            "The command line of Xuelian, the ledger of a credit bank.|"
                            "学链（学分银行账本）命令行工具。",
                            argc, argv);
}
