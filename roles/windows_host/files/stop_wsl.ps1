# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Stops WSL with all distributions, so that it reads its settings anew. JSON in: program (wsl.exe). JSON out: changed.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
$wish = $Wanted | ConvertFrom-Json

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

$running = @(Invoke-Native { & $wish.program --list --running --quiet } | ForEach-Object -Process { ([string] $_).Replace([string] [char] 0, '').Trim() } | Where-Object -FilterScript { $_ })
$changed = $running.Count -gt 0
if ($changed -and $PSCmdlet.ShouldProcess('WSL', 'Stop')) {
    $said = Invoke-Native { & $wish.program --shutdown }
    if ($LASTEXITCODE -ne 0) {
        $words = ($said -join ' ').Replace([string] [char] 0, '')
        throw "WSL could not be stopped (wsl.exe ended with $LASTEXITCODE): $words"
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed }
